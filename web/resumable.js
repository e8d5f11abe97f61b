/**
 * Sends a large file in parts, by the tus protocol (1.0.0): what has come stays there, over lost connections and restarts
 * of the service, and in a browser over a reload of the page, when the same file is sent in the same way again.
 * `video-api.js` fetches this file when it is needed; it is no use without it.
 */

import { Pace, PASSING, VideoApiError, pauseAfter, sleep, transfer } from './video-api.js';

const PART_BYTES = 8 << 20;
const PATIENCE_MS = 10 * 60_000; // without a byte that came
const RETRIED = new Set([...PASSING, 408, 409, 423]);

const KEPT = 'video-uploads'; // in localStorage: what is under way, by what tells one upload from another
const MOST_KEPT = 20;

/** Gives what the upload of a form answers. Throws a VideoApiError. */
export async function sendInParts(file, { url, headers, fields, onProgress, signal }) {
  const upload = new Upload(file, { url, headers, fields, onProgress, signal });
  try {
    const answer = await upload.send();
    upload.forget();
    return answer;
  } catch (error) {
    if (signal?.aborted) upload.giveUp();
    else if (!mayPass(error)) upload.forget();
    throw error;
  }
}

class Upload {
  #file;
  #options;
  #pace;
  #address = null;
  #offset = 0;
  #sessionId = null;
  #token = null;
  #moved = Date.now();
  #print;

  constructor(file, options) {
    this.#file = file;
    this.#options = options;
    this.#pace = new Pace(file.size);
    this.#print = printOf(file, options);
  }

  async send() {
    await this.#begin();
    for (let failures = 0; ; ) {
      try {
        if (failures) await this.#lookUp();
        while (this.#sessionId === null) {
          await this.#sendPart();
          failures = 0;
        }
        const { body } = await this.#ask('GET', this.#address);
        return this.#token === null ? body : { ...body, sessionToken: this.#token };
      } catch (error) {
        if (!mayPass(error) || Date.now() - this.#moved > PATIENCE_MS) throw error;
        failures += 1;
        await sleep(Math.max(pauseAfter(failures), (error.retryAfterSeconds ?? 0) * 1000), this.#options.signal);
      }
    }
  }

  /** Nobody waits for the answer: what is not deleted expires. */
  giveUp() {
    this.forget();
    if (this.#address === null) return;
    const headers = { ...this.#options.headers, 'Tus-Resumable': '1.0.0' };
    fetch(this.#address, { method: 'DELETE', headers, keepalive: true }).catch(() => {});
  }

  forget() {
    keep(this.#print, null);
  }

  async #begin() {
    if (await this.#takeUp(kept(this.#print))) return;
    const { url, fields } = this.#options;
    const metadata = Object.entries(fields).map(([name, text]) => `${name} ${base64(text)}`);
    const headers = { 'Upload-Length': String(this.#file.size), 'Upload-Metadata': metadata.join() };
    const begun = await this.#ask('POST', url, headers);
    // A path of the service, wherever a proxy has it.
    this.#address = `${url}/${begun.head('location').split('/').at(-1)}`;
    this.#token = begun.head('x-session-token');
    this.#remember(begun);
  }

  /** Go on with what was begun before the page was left; false where there is nothing of it any more. */
  async #takeUp(before) {
    if (before === null) return false;
    this.#address = `${this.#options.url}/${before.id}`;
    this.#token = before.token;
    try {
      await this.#lookUp();
      return true;
    } catch (error) {
      if (mayPass(error) || this.#options.signal?.aborted) throw error;
      this.forget();
      this.#address = this.#token = null;
      return false;
    }
  }

  #remember({ head }) {
    const until = Date.parse(head('upload-expires'));
    if (until) keep(this.#print, { id: this.#address.split('/').at(-1), token: this.#token, until });
  }

  /** Ask where to go on. */
  async #lookUp() {
    this.#note(await this.#ask('HEAD', this.#address));
  }

  async #sendPart() {
    const part = this.#file.slice(this.#offset, this.#offset + PART_BYTES);
    const headers = { 'Upload-Offset': String(this.#offset), 'Content-Type': 'application/offset+octet-stream' };
    const heard = (loaded) => {
      this.#moved = Date.now();
      this.#tell(this.#offset + loaded);
    };
    this.#note(await this.#ask('PATCH', this.#address, headers, part, heard));
    this.#moved = Date.now();
  }

  #note(answer) {
    const { head } = answer;
    this.#offset = Number(head('upload-offset'));
    this.#sessionId = head('upload-session-id');
    this.#remember(answer);
    this.#tell(this.#offset);
  }

  #tell(sentBytes) {
    this.#options.onProgress?.(this.#pace.at(sentBytes, this.#file.size));
  }

  #ask(method, url, headers = {}, body = null, heard = undefined) {
    const token = this.#token === null ? {} : { 'X-Session-Token': this.#token };
    const all = { ...this.#options.headers, ...token, 'Tus-Resumable': '1.0.0', ...headers };
    return transfer(method, url, body, all, heard, this.#options.signal);
  }
}

function mayPass(error) {
  return error instanceof VideoApiError && (error.reason === 'network' || RETRIED.has(error.code));
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** The same for the same file that is sent in the same way to the same place; null where nothing tells files apart. */
function printOf(file, { url, fields }) {
  return file.lastModified ? JSON.stringify([url, file.name, file.size, file.lastModified, fields]) : null;
}

/** What is under way as `{id, token, until}`; null where there is nothing. */
function kept(print) {
  const one = print === null ? undefined : allKept().get(print);
  const sound = /^[0-9a-f-]{36}$/.test(one?.id) && one.until > Date.now();
  return sound ? { id: one.id, token: typeof one.token === 'string' ? one.token : null } : null;
}

function keep(print, upload) {
  if (print === null) return;
  const all = allKept();
  if (upload === null && !all.has(print)) return;
  all.delete(print);
  if (upload !== null) all.set(print, upload);
  try {
    if (all.size) localStorage.setItem(KEPT, JSON.stringify([...all].slice(-MOST_KEPT)));
    else localStorage.removeItem(KEPT);
  } catch {
    // A browser that keeps nothing, or is full: a reload begins anew.
  }
}

/** Whatever stands there may have been written by anybody. */
function allKept() {
  try {
    return new Map(JSON.parse(localStorage.getItem(KEPT) ?? '[]'));
  } catch {
    return new Map();
  }
}
