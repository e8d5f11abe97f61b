/**
 * Sends a large file in parts, by the tus protocol (1.0.0): what has come stays there, over lost connections and restarts
 * of the service. `video-api.js` fetches this file when it is needed; it is no use without it.
 */

import { Pace, PASSING, VideoApiError, pauseAfter, sleep, transfer } from './video-api.js';

const PART_BYTES = 8 << 20;
const PATIENCE_MS = 10 * 60_000; // without a byte that came
const RETRIED = new Set([...PASSING, 408, 409, 423]);

/** Gives what the upload of a form answers. Throws a VideoApiError. */
export async function sendInParts(file, { url, headers, fields, onProgress, signal }) {
  const upload = new Upload(file, { url, headers, fields, onProgress, signal });
  try {
    return await upload.send();
  } catch (error) {
    if (error.reason === 'aborted') upload.giveUp();
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

  constructor(file, options) {
    this.#file = file;
    this.#options = options;
    this.#pace = new Pace(file.size);
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
    if (this.#address === null) return;
    const headers = { ...this.#options.headers, 'Tus-Resumable': '1.0.0' };
    fetch(this.#address, { method: 'DELETE', headers, keepalive: true }).catch(() => {});
  }

  async #begin() {
    const { url, fields } = this.#options;
    const metadata = Object.entries(fields).map(([name, text]) => `${name} ${base64(text)}`);
    const headers = { 'Upload-Length': String(this.#file.size), 'Upload-Metadata': metadata.join() };
    const begun = await this.#ask('POST', url, headers);
    // A path of the service, wherever a proxy has it.
    this.#address = `${url}/${begun.head('location').split('/').at(-1)}`;
    this.#token = begun.head('x-session-token');
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

  #note({ head }) {
    this.#offset = Number(head('upload-offset'));
    this.#sessionId = head('upload-session-id');
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
