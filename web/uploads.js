/** The upload under way, if there is one: it goes on whatever is looked at meanwhile. */

import { localVideos, sessions } from './sessions.js';

/** Set in the page's address, to try with small files what is for large ones: `?resumable-above=1000`, in bytes. */
const resumableAbove = Number(new URLSearchParams(location.search).get('resumable-above')) || undefined;

class Uploads extends EventTarget {
  /** `{name, progress}` of the one under way, else null. */
  current = null;
  #controller = null;

  /** Gives the session's id. Throws a VideoApiError. */
  async send(api, file, analysisType, params) {
    this.#controller = new AbortController();
    this.current = { name: file.name, progress: null };
    this.#tell();
    try {
      const started = await api.upload(file, {
        analysisType,
        params,
        resumableAbove,
        token: true,
        signal: this.#controller.signal,
        onProgress: (progress) => {
          this.current = { name: file.name, progress };
          this.#tell();
        },
      });
      localVideos.set(started.sessionId, URL.createObjectURL(file));
      sessions.note(started.sessionId, {
        name: started.video?.filename ?? file.name,
        type: analysisType,
        status: started.status,
        progress: 0,
        params,
        ...(started.sessionToken && { token: started.sessionToken }),
      });
      return started.sessionId;
    } finally {
      this.current = null;
      this.#tell();
    }
  }

  cancel() {
    this.#controller?.abort();
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}

export const uploads = new Uploads();

addEventListener('beforeunload', (event) => {
  if (uploads.current) event.preventDefault();
});
