// What web/video-api.js promises, against the service at SERVICE and, where connections must break, a door before it.
// Run by test_web_api.py: node --test tests/web_api.mjs

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import { describe, it } from 'node:test';

import { VideoApi, VideoApiError } from '../web/video-api.js';

const { SERVICE, CLIP, LONG_CLIP } = process.env;
const api = new VideoApi({ baseUrl: SERVICE });

const video = async (path = CLIP) => new Blob([await readFile(path)], { type: 'video/mp4' });

const started = async (path = CLIP) => (await api.upload(await video(path), { filename: 'clip.mp4' })).sessionId;

async function all(events) {
  const seen = [];
  for await (const event of events) seen.push(event);
  return seen;
}

const refusedAs = (code, reason) => (error) => {
  assert.ok(error instanceof VideoApiError, `${error}`);
  assert.deepEqual([error.code, error.reason], [code, reason]);
  return true;
};

/** A door before the service: `handle(request, response)` may answer itself and give true; the rest is passed on. */
async function door(handle) {
  const server = http.createServer((request, response) => {
    if (handle(request, response)) return;
    const { method, headers, url } = request;
    const onward = http.request(new URL(url, SERVICE), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { api: new VideoApi({ baseUrl: `http://127.0.0.1:${server.address().port}` }), close };
}

const isEvents = (request) => request.url.includes('/events/');

const notFound = (response) => {
  response.writeHead(404, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: 'There is nothing here', code: 404, reason: 'not_found' }));
  return true;
};

describe('the client', { concurrency: true }, () => {
  it('goes from upload to cleanup', async () => {
    const progress = [];
    const file = await video();
    const { sessionId, video: format } = await api.upload(file, {
      params: { max_highlights: 1 },
      filename: 'clip.mp4',
      onProgress: (step) => progress.push(step),
    });
    assert.equal(format.filename, 'clip.mp4');
    assert.equal(progress.at(-1).sentBytes, file.size);
    const seen = await all(api.follow(sessionId));
    assert.deepEqual(seen.at(-1), { type: 'end', status: 'completed' });
    assert.ok(seen.some(({ type, status }) => type === 'status' && status.sessionId === sessionId));
    const { data } = await api.results(sessionId);
    assert.equal(data.highlights.length, 1);
    await api.cleanup(sessionId);
    await assert.rejects(api.status(sessionId), refusedAs(404, 'session_not_found'));
  });

  it('sends a large file in parts, and goes on over broken connections', async () => {
    const file = await video();
    let broken = 0;
    let began = 0;
    const shaky = await door((request, response) => {
      if (request.method === 'POST' && request.url.endsWith('/uploads')) began += 1;
      if (request.method !== 'PATCH' || broken === 2) return false;
      broken += 1;
      response.destroy();
      return true;
    });
    const progress = [];
    const options = { filename: 'é.mp4', params: { max_highlights: 1 }, resumableAbove: 1000 };
    const started = await shaky.api.upload(file, { ...options, onProgress: (step) => progress.push(step) });
    assert.deepEqual([broken, began], [2, 1]);
    assert.equal(started.video.filename, 'é.mp4');
    assert.equal(started.video.sizeBytes, file.size);
    assert.equal(progress.at(-1).sentBytes, file.size);
    await api.cleanup(started.sessionId);
    shaky.close();
  });

  it('deletes what has come of a large file that is given up', async () => {
    const stopping = new AbortController();
    let deleted;
    const gone = new Promise((resolve) => (deleted = resolve));
    const before = await door((request, response) => {
      if (request.method === 'DELETE') response.on('finish', () => deleted([request.url, response.statusCode]));
      if (request.method !== 'PATCH') return false;
      stopping.abort();
      return true;
    });
    const sending = before.api.upload(await video(), { resumableAbove: 1, signal: stopping.signal });
    await assert.rejects(sending, refusedAs(0, 'aborted'));
    const [url, code] = await gone;
    assert.equal(code, 204);
    const head = await fetch(new URL(url, SERVICE), { method: 'HEAD', headers: { 'Tus-Resumable': '1.0.0' } });
    assert.equal(head.status, 404);
    before.close();
  });

  it('tells why a large file is refused, before it is sent and after', async () => {
    const text = new Blob(['no video'.repeat(1000)]);
    await assert.rejects(api.upload(text, { resumableAbove: 1 }), refusedAs(400, 'unsupported_video'));
    const wrong = { resumableAbove: 1, params: { max_highlights: 0 } };
    await assert.rejects(api.upload(text, wrong), refusedAs(400, 'invalid_request'));
    const stopped = { resumableAbove: 1, signal: AbortSignal.abort() };
    await assert.rejects(api.upload(text, stopped), refusedAs(0, 'aborted'));
  });

  it('gives a token for what comes in parts, and another for an upload that is sent again', async () => {
    const inParts = await api.upload(await video(), { token: true, resumableAbove: 1000 });
    await assert.rejects(api.status(inParts.sessionId), refusedAs(404, 'session_not_found'));
    const one = { token: true, idempotencyKey: `key ${Math.random()}`.replace(' ', '-') };
    const [lost, again] = [await api.upload(await video(), one), await api.upload(await video(), one)];
    assert.equal(again.sessionId, lost.sessionId);
    const opens = (told, token) => new VideoApi({ baseUrl: SERVICE, sessionToken: () => token }).status(told.sessionId);
    await assert.rejects(opens(lost, lost.sessionToken), refusedAs(404, 'session_not_found'));
    for (const told of [inParts, again]) {
      assert.equal((await opens(told, told.sessionToken)).sessionId, told.sessionId);
      await new VideoApi({ baseUrl: SERVICE, sessionToken: () => told.sessionToken }).cleanup(told.sessionId);
    }
  });

  it('keeps a session to whoever has its token', async () => {
    const { sessionId, sessionToken } = await api.upload(await video(), { token: true });
    await assert.rejects(api.status(sessionId), refusedAs(404, 'session_not_found'));
    const own = new VideoApi({ baseUrl: SERVICE, sessionToken: (id) => (id === sessionId ? sessionToken : null) });
    assert.deepEqual((await all(own.follow(sessionId))).at(-1), { type: 'end', status: 'completed' });
    const { data } = await own.results(sessionId);
    assert.ok(!data.source_url.includes(sessionToken));
    const codes = [api, own].map(async (one) => (await fetch(one.fileUrl(data.source_url, sessionId), { method: 'HEAD' })).status);
    assert.deepEqual(await Promise.all(codes), [404, 200]);
    await own.cleanup(sessionId);
  });

  it('asks in vain for what only a key opens where there are none', async () => {
    await assert.rejects(api.sessions(), refusedAs(404, 'not_found'));
    await assert.rejects(api.token('x'), refusedAs(404, 'not_found'));
  });

  it('tells progress that never falls, whether it listens or asks', async () => {
    for (const events of [true, false]) {
      const sessionId = await started(LONG_CLIP);
      const seen = await all(api.follow(sessionId, { events }));
      const steps = seen.filter(({ type }) => type === 'status').map(({ status }) => status.progress);
      assert.deepEqual(steps, [...steps].sort((one, other) => one - other));
      assert.equal(steps.at(-1), 100);
      assert.equal(seen.at(-1).status, 'completed');
      await api.cleanup(sessionId);
    }
  });

  it('asks where there are no events', async () => {
    const old = await door((request, response) => isEvents(request) && notFound(response));
    const seen = await all(old.api.follow(await started()));
    assert.equal(seen.at(-1).status, 'completed');
    assert.ok(!seen.some(({ type }) => type === 'interrupted'));
    old.close();
  });

  it('asks where a proxy holds the events back', async () => {
    let held = 0;
    const proxy = await door((request, response) => {
      if (!isEvents(request)) return false;
      held += 1;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.flushHeaders();
      return true;
    });
    assert.equal((await all(proxy.api.follow(await started()))).at(-1).status, 'completed');
    assert.equal(held, 1);
    proxy.close();
  });

  it('reads events whatever pieces they come in, and takes up where a connection broke', async () => {
    const resumed = [];
    const sent = [
      ': a comment\r\nid: 4\r\nevent: status\r\ndata: {"status":"processing",\r\ndata: "progress":40}\r\n\r\n',
      'id:5\nevent:unheard-of\ndata:{}\n\nid: 6\nevent: partial\ndata: {"kind":"moment","item":{"rank":1}}\n\nevent: end\ndata: {"status":"failed"}\n\n',
    ];
    const broken = await door((request, response) => {
      resumed.push(request.headers['last-event-id']);
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      const bytes = sent[resumed.length - 1].split('');
      const send = () => {
        for (const byte of bytes.splice(0, 7)) response.write(byte);
        if (bytes.length) setImmediate(send);
        else if (resumed.length === 1) setTimeout(() => response.destroy(), 50);
        else response.end();
      };
      send();
      return true;
    });
    const seen = await all(broken.api.follow('anything'));
    assert.deepEqual(resumed, [undefined, '4']);
    assert.deepEqual(seen.map(({ type }) => type), ['status', 'interrupted', 'partial', 'end']);
    assert.equal(seen[0].status.progress, 40);
    assert.deepEqual(seen[2].finding, { kind: 'moment', item: { rank: 1 } });
    assert.equal(seen[3].status, 'failed');
    broken.close();
  });

  it('goes on over a service that is away for a while', async () => {
    let away = 2;
    const restarting = await door((request, response) => {
      if (!isEvents(request) || away === 0) return false;
      away -= 1;
      response.writeHead(503, { 'retry-after': '0', 'content-type': 'application/json' });
      response.end('{"error":"about to stop","code":503,"reason":"draining"}');
      return true;
    });
    const seen = await all(restarting.api.follow(await started()));
    assert.deepEqual(seen.slice(0, 2).map(({ type, error }) => [type, error.reason]), [['interrupted', 'draining'], ['interrupted', 'draining']]);
    assert.equal(seen.at(-1).status, 'completed');
    restarting.close();
  });

  it('says a refusal in the words of the service', async () => {
    const text = new Blob(['no video at all']);
    await assert.rejects(api.upload(text), refusedAs(400, 'unsupported_video'));
    await assert.rejects(api.upload(text, { params: { max_highlights: 500 } }), (error) => {
      assert.deepEqual([error.code, error.reason, error.details[0].loc.at(-1)], [400, 'invalid_request', 'max_highlights']);
      return error.requestId !== null;
    });
  });

  it('cancels, and is told that there is no result', async () => {
    const sessionId = await started(LONG_CLIP);
    assert.equal((await api.cancel(sessionId)).status, 'cancelled');
    assert.deepEqual((await all(api.follow(sessionId))).at(-1), { type: 'end', status: 'cancelled' });
    await assert.rejects(api.results(sessionId), refusedAs(400, 'session_cancelled'));
    await api.cleanup(sessionId);
  });

  it('ends where there is no such session', async () => {
    assert.deepEqual(await all(api.follow('no-such-id')), [{ type: 'end', status: 'deleted' }]);
  });

  it('stops when it is told to', async () => {
    const upload = new AbortController();
    upload.abort();
    await assert.rejects(api.upload(await video(), { signal: upload.signal }), refusedAs(0, 'aborted'));
    const following = new AbortController();
    const sessionId = await started(LONG_CLIP);
    await assert.rejects(async () => {
      for await (const event of api.follow(sessionId, { signal: following.signal })) if (event) following.abort();
    }, refusedAs(0, 'aborted'));
    await api.cleanup(sessionId);
  });

  it('says that nobody answers', async () => {
    const closed = await door(() => true);
    closed.close();
    await assert.rejects(closed.api.status('any'), refusedAs(0, 'network'));
    const gateway = await door((request, response) => response.writeHead(502).end('<html>Bad gateway</html>'));
    await assert.rejects(gateway.api.status('any'), refusedAs(502, 'http_error'));
    gateway.close();
  });

  it('sends keys and tokens where they are needed', async () => {
    let seen;
    const guarded = await door((request, response) => {
      seen = request.headers;
      return response.end('{}');
    });
    const baseUrl = guarded.api.fileUrl('');
    const keyed = new VideoApi({ baseUrl, apiKey: 'key', sessionToken: (id) => (id === 'mine' ? 'a b' : null) });
    await keyed.status('mine');
    assert.deepEqual([seen['x-api-key'], seen['x-session-token']], ['key', 'a b']);
    await keyed.status('theirs');
    assert.equal(seen['x-session-token'], undefined);
    assert.equal(keyed.fileUrl('/reel.mp4', 'mine'), `${baseUrl}/reel.mp4?token=a%20b`);
    guarded.close();
  });
});
