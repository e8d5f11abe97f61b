"""What Redis does at one stroke, in its own language, Lua; and the names of the keys that it touches.

video:row:<id>      hash: what a session's row says (RedisStore joins `row`, `live` and `revision`) and what its
                    changes need to know
video:found:<id>    list: "revision text" of each finding, while it is worked on
video:all           sorted sets of ids: by when they were made, in microseconds since 1970;
video:queued          of these, those that wait;
video:leases          those that are worked on, by when their lease lapses;
video:ended           those that ended and have not expired, by when they ended;
video:due             those that ended, by when they expire or, once they have, are forgotten;
video:owner:<name>    those of a key's owner
video:statuses      hash: how many of all have each status
video:key:<hash>    the session that an Idempotency-Key made
video:era           how often Redis was found without these scripts: it was started anew
video:told          how much news was published, on the channel video:news
video:note, video:notes, video:turn:<name>, video:settled:<name>, video:rate:<client>    the board
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from schemas import MAX_FINDINGS

ROW = "video:row:"
NEWS = "video:news"
TOLD = "video:told"
ERA = "video:era"

LEAP = 1000
"""Revisions that are left out after a new start of Redis. It may have lost the last second: the revisions that were
given in it must not come to stand for something else."""

HEAD = f"""
local LEAP, MOST_FINDINGS = {LEAP}, {MAX_FINDINGS}
"""

_COMMON = """
local function micros()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end

local function number(value)
  return string.format('%.0f', value)
end

local function row_of(id)
  return redis.call('HMGET', 'video:row:' .. id, 'row', 'live', 'revision')
end

-- Kinds: row, found, gone; a capital where places in the queue moved. What follows is, of a row, its revision, `base`,
-- `live` and, where that changed, `row` on a line of its own; of a finding its revision and text.
local function tell(kind, id, moved, text)
  if moved then kind = string.upper(kind) end
  local told = redis.call('INCR', 'video:told')
  redis.call('PUBLISH', 'video:news', kind .. ' ' .. id .. ' ' .. told .. ' ' .. text)
end

local function lease(id, seconds)
  redis.call('ZADD', 'video:leases', number(micros() + seconds * 1000000), id)
end

-- The next revision. `count` is the newest that was given, to the row or to a finding.
local function next_revision(count, era_of_row, key)
  local era = redis.call('GET', 'video:era') or '0'
  if era == era_of_row then return count + 1 end
  redis.call('HSET', key, 'era', era)
  return count + 1 + LEAP
end

-- One more of a status, or one fewer.
local function tally(status, by)
  if status then redis.call('HINCRBY', 'video:statuses', status, by) end
end

-- Note where a session stands, and stood before; gives whether places in the queue moved.
local function stand(id, before, status, lease_seconds, created, ended, due)
  local moved
  if before ~= status then
    tally(before, -1)
    tally(status, 1)
  end
  if status == 'queued' then
    moved = redis.call('ZADD', 'video:queued', created, id)
  else
    moved = redis.call('ZREM', 'video:queued', id)
  end
  if status == 'processing' then
    lease(id, lease_seconds)
  else
    redis.call('ZREM', 'video:leases', id)
    redis.call('DEL', 'video:found:' .. id)
  end
  if ended ~= '' then
    redis.call('ZADD', 'video:due', due, id)
    if status == 'expired' then
      redis.call('ZREM', 'video:ended', id)
    else
      redis.call('ZADD', 'video:ended', ended, id)
    end
  end
  return moved == 1
end

-- Another session may be made by the same key.
local function free(id, key)
  if key ~= '' and redis.call('GET', 'video:key:' .. key) == id then
    redis.call('DEL', 'video:key:' .. key)
  end
end

-- The session that a key made, unless it is gone or has expired.
local function made_by(key)
  local id = redis.call('GET', 'video:key:' .. key)
  if not id or redis.call('EXISTS', 'video:row:' .. id) == 0 then return false end
  local due = redis.call('ZSCORE', 'video:due', id)
  return (not due or tonumber(due) > micros()) and id
end
"""


@dataclass(frozen=True)
class Script:
    """`sha` names it to Redis."""

    body: str
    text: str = field(init=False, repr=False)
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        text = HEAD + _COMMON + self.body
        object.__setattr__(self, "text", text)
        object.__setattr__(self, "sha", hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())


ADD = Script("""
local id, live, revision, lease_seconds, row = unpack(ARGV, 1, 5)
local status, worker, created, ended, due, owner, key, most_waiting = unpack(ARGV, 6, 13)
if redis.call('EXISTS', 'video:row:' .. id) == 1 then return id end
if key ~= '' then
  local made = made_by(key)
  if made then return made end
end
if most_waiting ~= '' and redis.call('ZCARD', 'video:queued') >= tonumber(most_waiting) then return false end
redis.call('HSET', 'video:row:' .. id, 'row', row, 'live', live, 'revision', revision, 'base', revision,
  'count', revision, 'era', redis.call('GET', 'video:era') or '0', 'status', status, 'worker', worker,
  'owner', owner, 'key', key)
if key ~= '' then redis.call('SET', 'video:key:' .. key, id) end
redis.call('ZADD', 'video:all', created, id)
if owner ~= '' then redis.call('ZADD', 'video:owner:' .. owner, created, id) end
local moved = stand(id, nil, status, lease_seconds, created, ended, due)
tell('r', id, moved, revision .. ' ' .. revision .. ' ' .. live .. '\\n' .. row)
return id
""")
"""The id of the session that there is now; nothing where too many wait."""

CHANGE = Script("""
local id, live, expected, lease_seconds = unpack(ARGV, 1, 4)
local key = 'video:row:' .. id
local facts = redis.call('HMGET', key, 'revision', 'base', 'count', 'era', 'status')
local revision, base, count, era, status = unpack(facts)
if not revision then return false end
if revision ~= expected then return row_of(id) end
revision = next_revision(count, era, key)
local moved, row = false, nil
if #ARGV > 4 then
  local before, worker, created, ended, due = status
  row, status, worker, created, ended, due = unpack(ARGV, 5, 10)
  base = revision
  redis.call('HSET', key, 'row', row, 'live', live, 'revision', revision, 'base', base, 'count', revision,
    'status', status, 'worker', worker)
  moved = stand(id, before, status, lease_seconds, created, ended, due)
  if status == 'expired' then free(id, redis.call('HGET', key, 'key')) end
else
  redis.call('HSET', key, 'live', live, 'revision', revision, 'count', revision)
  if status == 'processing' then lease(id, lease_seconds) end
end
tell('r', id, moved, revision .. ' ' .. base .. ' ' .. live .. (row and '\\n' .. row or ''))
return revision
""")
"""The revision that it took; the row as it is where that is not the one expected; nothing where there is none."""

FIND = Script("""
local id, text, expected = unpack(ARGV)
local key = 'video:row:' .. id
local revision, count, era = unpack(redis.call('HMGET', key, 'revision', 'count', 'era'))
if not revision then return false end
if revision ~= expected then return row_of(id) end
count = next_revision(count, era, key)
redis.call('HSET', key, 'count', count)
redis.call('RPUSH', 'video:found:' .. id, count .. ' ' .. text)
redis.call('LTRIM', 'video:found:' .. id, -MOST_FINDINGS, -1)
tell('f', id, false, count .. ' ' .. text)
return count
""")
"""As CHANGE."""

LOOK = Script("""
local row, base = row_of(ARGV[1]), redis.call('HGET', 'video:row:' .. ARGV[1], 'base')
if not base then return false end
return {row, base, redis.call('LRANGE', 'video:found:' .. ARGV[1], 0, -1)}
""")

REMOVE = Script("""
local id = ARGV[1]
local created = redis.call('ZSCORE', 'video:all', id)
if not created then return 0 end
local owner, key, status = unpack(redis.call('HMGET', 'video:row:' .. id, 'owner', 'key', 'status'))
tally(status, -1)
redis.call('DEL', 'video:row:' .. id, 'video:found:' .. id)
local moved = redis.call('ZREM', 'video:queued', id) == 1
for _, name in ipairs({'all', 'leases', 'ended', 'due', 'owner:' .. (owner or '')}) do
  redis.call('ZREM', 'video:' .. name, id)
end
free(id, key or '')
tell('g', id, moved, '')
return 1
""")

RENEW = Script("""
local id, worker, lease_seconds = unpack(ARGV)
local status, at_work = unpack(redis.call('HMGET', 'video:row:' .. id, 'status', 'worker'))
if status ~= 'processing' or at_work ~= worker then return 0 end
lease(id, lease_seconds)
return 1
""")

LAPSED = Script("""
return redis.call('ZRANGEBYSCORE', 'video:leases', '-inf', number(micros()))
""")

MADE_BY = Script("""
return made_by(ARGV[1])
""")

SETTLE = Script("""
redis.call('SETNX', 'video:settled:' .. ARGV[1], ARGV[2])
return redis.call('GET', 'video:settled:' .. ARGV[1])
""")

HOLD = Script("""
local key, holder, milliseconds = 'video:held:' .. ARGV[1], ARGV[2], ARGV[3]
if redis.call('SET', key, holder, 'NX', 'PX', milliseconds) then return 1 end
if redis.call('GET', key) ~= holder then return 0 end
return redis.call('PEXPIRE', key, milliseconds)
""")

FREE = Script("""
local key = 'video:held:' .. ARGV[1]
if redis.call('GET', key) == ARGV[2] then redis.call('DEL', key) end
""")

NOTE = Script("""
local name, value, seconds = unpack(ARGV)
redis.call('HSET', 'video:note', name, value)
redis.call('ZADD', 'video:notes', seconds == '' and '+inf' or number(micros() + seconds * 1000000), name)
""")

NOTED = Script("""
for _, name in ipairs(redis.call('ZRANGEBYSCORE', 'video:notes', '-inf', number(micros()))) do
  redis.call('HDEL', 'video:note', name)
  redis.call('ZREM', 'video:notes', name)
end
local found, all = {}, redis.call('HGETALL', 'video:note')
for place = 1, #all, 2 do
  if string.sub(all[place], 1, #ARGV[1]) == ARGV[1] then
    found[#found + 1] = all[place]
    found[#found + 1] = all[place + 1]
  end
end
return found
""")

PASS = Script("""
local client, interval = ARGV[1], tonumber(ARGV[2])
local key, now, minute = 'video:rate:' .. client, micros(), 60000000
local whole = math.max(now, tonumber(redis.call('GET', key) or 0))
local early = whole + interval - now - minute
if early > 1 then return math.ceil(early) end
redis.call('SET', key, number(whole + interval), 'PX', math.ceil((whole + interval - now) / 1000) + 1)
return 0
""")
"""Microseconds to wait: the generic cell rate algorithm, as api/limits.py has it, by the clock of Redis."""

SCRIPTS = (ADD, CHANGE, FIND, LOOK, REMOVE, RENEW, LAPSED, MADE_BY, SETTLE, HOLD, FREE, NOTE, NOTED, PASS)
