/**
 * A client for the video analysis service, for browsers and for Node 18 or newer. It needs nothing else but, for large
 * files, `resumable.js`: import it from a running service (`/app/video-api.js`) or copy both, and `video-api.d.ts`,
 * beside your code.
 *
 *     const api = new VideoApi({ baseUrl: 'http://127.0.0.1:8000' });
 *     const { sessionId } = await api.upload(file, { analysisType: 'highlights' });
 *     for await (const event of api.follow(sessionId)) console.log(event);
 *     const { data } = await api.results(sessionId);
 *
 * Whatever goes wrong is a VideoApiError, an AbortSignal's abort too.
 */

const BASE = '/api/v1/video';
const RUNNING = new Set(['queued', 'processing']);

/** What statuses say while it may still help to ask again: a proxy without its server, a server about to stop. */
export const PASSING = new Set([429, 500, 502, 503, 504]);

const FIRST_WORD_MS = 4_000; // a stream that says nothing for so long at its start is held back by a proxy
const SILENCE_MS = 50_000; // and one that falls silent later is dead: live ones send a heartbeat
const LONG_POLL_SECONDS = 25;
const LARGE_BYTES = 50e6; // above, a file is sent in parts
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 8_000;

/** A refusal, a failure, or no answer at all. */
export class VideoApiError extends Error {
  /**
   * @param {string} message  for a person
   * @param {{code?: number, reason?: string, body?: object, retryAfterSeconds?: number | null, cause?: unknown}} [facts]
   */
  constructor(message, { code = 0, reason = 'network', body = {}, retryAfterSeconds = null, cause } = {}) {
    super(message, { cause });
    this.name = 'VideoApiError';
    this.code = code;
    this.reason = reason;
    this.body = body;
    this.details = body.details ?? [];
    this.requestId = body.requestId ?? null;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export class VideoApi {
  #baseUrl;
  #keyOf;
  #tokenOf;

  /** @param {import('./video-api').VideoApiOptions} [options] */
  constructor({ baseUrl = '', apiKey = null, sessionToken = null } = {}) {
    this.#baseUrl = baseUrl.replace(/\/+$/, '');
    this.#keyOf = typeof apiKey === 'function' ? apiKey : () => apiKey;
    this.#tokenOf = typeof sessionToken === 'function' ? sessionToken : () => sessionToken;
  }

  /**
   * Send a video and start its analysis. `onProgress` hears how far the sending is; in Node only where it, or a part, ends.
   * A file of more than `resumableAbove` bytes goes in parts, and goes on where it was after a lost connection or a
   * restart of the service.
   */
  async upload(file, { analysisType = 'highlights', params = {}, filename, token, idempotencyKey, resumableAbove = LARGE_BYTES, onProgress, signal } = {}) {
    const fields = { analysis_type: analysisType, params: JSON.stringify(params), ...(token && { token: 'true' }) };
    const name = filename ?? file.name ?? 'video';
    const headers = { ...this.#headers(), ...(idempotencyKey && { 'Idempotency-Key': idempotencyKey }) };
    if (file.size > resumableAbove && !idempotencyKey) {
      const { sendInParts } = await import('./resumable.js').catch((error) => {
        throw asError(error, signal);
      });
      const url = this.#url(`${BASE}/uploads`);
      return sendInParts(file, { url, headers, fields: { filename: name, ...fields }, onProgress, signal });
    }
    const form = new FormData();
    for (const [field, text] of Object.entries(fields)) form.append(field, text);
    // Last, so that a mistake in the rest is told before the video has travelled.
    form.append('video', file, name);
    const pace = new Pace(file.size);
    const heard = (loaded, total) => onProgress?.(pace.at(loaded, total));
    return (await transfer('POST', this.#url(`${BASE}/upload`), form, headers, heard, signal)).body;
  }

  /** Where the session stands. With `wait` (seconds, 30 at most) the answer comes at the next change. */
  async status(sessionId, { wait, signal } = {}) {
    return (await this.#status(sessionId, { wait, signal })).body;
  }

  /** The analysis, once it is completed: `{sessionId, status, data}`. */
  async results(sessionId, { signal } = {}) {
    return (await this.#session('GET', 'results', sessionId, { signal })).body;
  }

  /** Stop the analysis. */
  async cancel(sessionId, { signal } = {}) {
    return (await this.#session('POST', 'cancel', sessionId, { signal })).body;
  }

  /** Stop it, delete its files, forget it. */
  async cleanup(sessionId, { signal } = {}) {
    return (await this.#session('DELETE', 'cleanup', sessionId, { signal })).body;
  }

  /** The sessions of the key, newest first: `{sessions, nextCursor}`; with `cursor`, those before the last page. */
  async sessions({ limit, cursor, signal } = {}) {
    const query = new URLSearchParams({ ...(limit && { limit }), ...(cursor && { cursor }) });
    return (await this.#ask(this.#url(`${BASE}/sessions?${query}`), { headers: this.#headers(), signal })).body;
  }

  /** A token by which `<video>` and `<img>` may have the files of a session of the key, for some hours. */
  async token(sessionId, { signal } = {}) {
    return (await this.#session('POST', 'token', sessionId, { signal })).body;
  }

  /** An address out of a result as `<video>`, `<img>` and links can use it: they send no headers. */
  fileUrl(path, sessionId) {
    const url = this.#url(path);
    const token = this.#tokenOf(sessionId);
    return token ? `${url}${url.includes('?') ? '&' : '?'}token=${encodeURIComponent(token)}` : url;
  }

  /**
   * Follow a session to its end, over lost connections and restarts of the service: an async iterator of
   * `{type: 'status', status}`, `{type: 'partial', finding}`, `{type: 'interrupted', error, retryInSeconds}` and, last,
   * `{type: 'end', status}`. It listens to the service's events, and asks again and again where they do not come through.
   */
  async *follow(sessionId, { signal, events = true } = {}) {
    const place = { lastEventId: null, etag: null };
    let listening = events;
    let failures = 0;
    for (;;) {
      try {
        const source = listening ? this.#listen(sessionId, place, signal) : this.#poll(sessionId, place, signal);
        for await (const event of source) {
          failures = 0;
          yield event;
          if (event.type === 'end') return;
        }
        // The stream ended in the middle: the service is about to stop, and will be back.
        failures += 1;
      } catch (error) {
        if (error.reason === 'session_not_found') {
          yield { type: 'end', status: 'deleted' };
          return;
        }
        if (listening && isNoStream(error)) {
          listening = false;
          continue;
        }
        if (error.code && !PASSING.has(error.code)) throw error;
        if (error.reason === 'aborted') throw error;
        failures += 1;
        const pause = Math.max(pauseAfter(failures), (error.retryAfterSeconds ?? 0) * 1000);
        yield { type: 'interrupted', error, retryInSeconds: pause / 1000 };
        await sleep(pause, signal);
        continue;
      }
      await sleep(pauseAfter(failures), signal);
    }
  }

  /** The session's events as they are sent. */
  async *#listen(sessionId, place, signal) {
    const watch = watchdog(signal);
    try {
      const headers = { Accept: 'text/event-stream', ...this.#headers(sessionId) };
      if (place.lastEventId !== null) headers['Last-Event-ID'] = place.lastEventId;
      watch.expect(FIRST_WORD_MS);
      const answer = await reach(this.#url(`${BASE}/events/${encodeURIComponent(sessionId)}`), {
        headers,
        signal: watch.signal,
      });
      if (!answer.ok) throw await refusal(answer);
      if (!answer.headers.get('content-type')?.startsWith('text/event-stream')) {
        throw new VideoApiError('The answer is no stream of events', { code: answer.status, reason: 'no_stream' });
      }
      for await (const event of readEvents(answer.body, () => watch.expect(SILENCE_MS))) {
        if (event.id !== null) place.lastEventId = event.id;
        const told = understood(event);
        if (told) yield told;
      }
    } catch (error) {
      if (watch.saidNothing) throw new VideoApiError('The events do not come through', { reason: 'no_stream', cause: error });
      throw asError(error, signal);
    } finally {
      watch.stop();
    }
  }

  /** The session's status, again and again: at each change where the service can wait for it, else every second. */
  async *#poll(sessionId, place, signal) {
    for (;;) {
      const began = Date.now();
      const wait = place.etag === null ? 0 : LONG_POLL_SECONDS; // the first answer at once
      const { body, etag, retryAfter } = await this.#status(sessionId, { wait, etag: place.etag, signal });
      place.etag = etag;
      if (body) {
        yield { type: 'status', status: body };
        if (!RUNNING.has(body.status)) {
          yield { type: 'end', status: body.status };
          return;
        }
      }
      // What answers a wait at once, and unchanged, cannot wait.
      const canWait = etag !== null && (body !== null || Date.now() - began > 900);
      if (!canWait) await sleep(1000 * Math.min(10, Math.max(1, retryAfter ?? 1)), signal);
    }
  }

  async #status(sessionId, { wait, etag = null, signal }) {
    const query = wait ? `?wait=${wait}` : '';
    const headers = etag ? { 'If-None-Match': etag } : {};
    const { answer, body } = await this.#session('GET', 'status', sessionId, { signal, query, headers });
    const retryAfter = answer.headers.get('retry-after');
    return {
      body,
      etag: answer.headers.get('etag') ?? etag,
      retryAfter: retryAfter === null ? null : Number(retryAfter) || 0,
    };
  }

  #session(method, what, sessionId, { signal, query = '', headers = {} }) {
    const url = this.#url(`${BASE}/${what}/${encodeURIComponent(sessionId)}${query}`);
    return this.#ask(url, { method, signal, headers: { ...this.#headers(sessionId), ...headers } });
  }

  async #ask(url, request) {
    try {
      const answer = await reach(url, request);
      if (answer.status === 304) return { answer, body: null };
      if (!answer.ok) throw await refusal(answer);
      return { answer, body: await answer.json() };
    } catch (error) {
      throw asError(error, request.signal);
    }
  }

  #headers(sessionId) {
    const token = sessionId && this.#tokenOf(sessionId);
    const key = this.#keyOf();
    return { ...(key && { 'X-API-Key': key }), ...(token && { 'X-Session-Token': token }) };
  }

  #url(path) {
    return `${this.#baseUrl}${path}`;
  }
}

/** fetch, past the browser's own cache: what is asked here is asked because it changes. */
function reach(url, request) {
  return fetch(url, { cache: 'no-store', ...request });
}

/**
 * One request whose body may be large: gives its answer as `{head, body}`, where `head` is a function from a header's name.
 * `heard` is told how many bytes went out, and of how many. Throws a VideoApiError.
 */
export function transfer(method, url, body, headers, heard, signal) {
  const send = typeof XMLHttpRequest === 'undefined' ? sendByFetch : sendByXhr;
  return send(method, url, body, headers, heard, signal);
}

async function sendByFetch(method, url, body, headers, heard, signal) {
  try {
    const answer = await reach(url, { method, body, headers, signal });
    if (!answer.ok) throw await refusal(answer);
    const size = sizeOf(body);
    heard?.(size, size);
    return { head: (name) => answer.headers.get(name), body: parsed(await answer.text()) };
  } catch (error) {
    throw asError(error, signal);
  }
}

function sizeOf(body) {
  const parts = body instanceof FormData ? [...body.values()] : [body];
  return parts.reduce((sum, part) => sum + (part?.size ?? 0), 0);
}

/** XMLHttpRequest, because fetch does not tell how far an upload is. */
function sendByXhr(method, url, body, headers, heard, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    const done = (settle) => {
      signal?.removeEventListener('abort', stop);
      settle();
    };
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (heard && body) request.upload.onprogress = (event) => heard(event.loaded, event.total);
    request.onload = () =>
      done(() => {
        const told = parsed(request.responseText);
        const ok = request.status >= 200 && request.status < 300;
        if (ok) resolve({ head: (name) => request.getResponseHeader(name), body: told });
        else reject(worded(request.status, told, request.getResponseHeader('retry-after')));
      });
    request.onerror = () => done(() => reject(new VideoApiError('The service cannot be reached')));
    request.onabort = () => done(() => reject(aborted(signal?.reason)));
    if (signal?.aborted) {
      reject(aborted(signal.reason));
      return;
    }
    signal?.addEventListener('abort', stop);
    request.send(body);
  });
}

/** How fast bytes go out, smoothed over some seconds, and how long the rest takes. */
export class Pace {
  #size;
  #time = performance.now();
  #sent = 0;
  #speed = null;

  constructor(size) {
    this.#size = size;
  }

  at(loaded, total) {
    const now = performance.now();
    const seconds = (now - this.#time) / 1000;
    if (seconds >= 0.2) {
      const speed = Math.max(0, loaded - this.#sent) / seconds;
      const weight = Math.min(1, seconds / 3);
      this.#speed = this.#speed === null ? speed : this.#speed + weight * (speed - this.#speed);
      this.#time = now;
      this.#sent = loaded;
    }
    const secondsLeft = this.#speed > 0 ? (total - loaded) / this.#speed : null;
    // The form around the file counts on the wire, but is none of the file's bytes.
    return { sentBytes: Math.min(loaded, this.#size), totalBytes: this.#size, bytesPerSecond: this.#speed, secondsLeft };
  }
}

/** Server-sent events out of a body: `{id, event, data}`, as the HTML standard parses them. `heard` at each piece. */
async function* readEvents(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let event = { id: null, event: 'message', data: [] };
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      heard();
      // A line feed may still come after a carriage return at the very end.
      const lines = (rest + value).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        if (line === '') {
          if (event.data.length) yield { ...event, data: event.data.join('\n') };
          event = { id: null, event: 'message', data: [] };
        } else {
          noteField(event, line);
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function noteField(event, line) {
  const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line);
  if (name === 'data') event.data.push(value);
  else if (name === 'event' || name === 'id') event[name] = value;
}

/** What an event of the service says; null for one of a kind that came later than this client. */
function understood({ event, data }) {
  const body = parsed(data);
  if (event === 'status' && body) return { type: 'status', status: body };
  if (event === 'partial' && body) return { type: 'partial', finding: body };
  if (event === 'end' && body) return { type: 'end', status: body.status };
  return null;
}

/** A signal that aborts with the caller's, or when what is expected does not come in time. */
function watchdog(signal) {
  const controller = new AbortController();
  const stop = () => controller.abort(signal.reason);
  let timer;
  let heard = -1;
  const watch = {
    signal: controller.signal,
    saidNothing: false,
    expect(milliseconds) {
      clearTimeout(timer);
      heard += 1;
      timer = setTimeout(() => {
        watch.saidNothing = heard === 0;
        controller.abort();
      }, milliseconds);
    },
    stop() {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
      controller.abort();
    },
  };
  if (signal?.aborted) stop();
  else signal?.addEventListener('abort', stop);
  return watch;
}

function isNoStream(error) {
  // A service older than events has no such route, and a proxy may refuse or hold back what does not end.
  return error.reason === 'no_stream' || error.reason === 'not_found' || [405, 406, 501].includes(error.code);
}

/** Longer and longer, and never in step with other clients. */
export function pauseAfter(failures) {
  return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** (failures - 1)) * (0.75 + Math.random() / 2);
}

export function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(aborted(signal.reason));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

async function refusal(answer) {
  return worded(answer.status, parsed(await answer.text()), answer.headers.get('retry-after'));
}

/** The service's own words, or what can be said where something between it and us answered. */
function worded(code, body, retryAfter) {
  const flat = body && typeof body === 'object' ? body : {};
  const words = flat.message ?? flat.error ?? `The answer was HTTP ${code}, and not from the service`;
  const seconds = retryAfter === null ? NaN : Number(retryAfter);
  return new VideoApiError(words, {
    code,
    reason: flat.reason ?? 'http_error',
    body: flat,
    retryAfterSeconds: Number.isFinite(seconds) ? seconds : null,
  });
}

function asError(error, signal) {
  if (error instanceof VideoApiError) return error;
  if (signal?.aborted) return aborted(signal.reason);
  return new VideoApiError('The service cannot be reached', { cause: error });
}

function aborted(cause) {
  return new VideoApiError('Aborted', { reason: 'aborted', cause });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
