/** The page's front door: which view is shown, by what stands after the # of its address. */

import { byId, h } from './dom.js';
import { askForKey, key } from './key.js';
import { localVideos, sessions } from './sessions.js';
import { makeStart } from './start.js';
import { VideoApi } from './video-api.js';
import { keepVideos } from './videos.js';

const api = new VideoApi({ apiKey: () => key.text, sessionToken: (id) => key.ticketOf(id) ?? sessions.get(id)?.token });
const RETRY_MS = 2_000;
let shown = new AbortController();

function shownId() {
  return /^#\/([0-9a-f-]{36})$/.exec(location.hash)?.[1] ?? null;
}

async function show() {
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  const id = shownId();
  byId('start').hidden = id !== null;
  byId('view').hidden = id === null;
  byId('view').replaceChildren();
  document.title = 'Video analysis';
  if (id === null || (await key.isMissing())) return;
  const { showSession } = await laterPart();
  if (!signal.aborted) await showSession({ api, id, view: byId('view'), signal, localVideo: localVideos.get(id) });
}

/** What the first view does without. The service may be away just then: it is asked until it is back. */
async function laterPart() {
  for (;;) {
    try {
      return await import('./session.js');
    } catch {
      byId('view').replaceChildren(h('p', { class: 'notice', role: 'status' }, 'The service does not answer. It is asked again in a moment; nothing is lost.'));
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  byId('main').focus();
});
addEventListener('hashchange', () => {
  show();
  byId('main').focus({ preventScroll: true });
  scrollTo({ top: 0 });
});

makeStart(api, (id) => {
  // Whoever looks at another video meanwhile is left there: the list has the new one.
  if (shownId() === null) location.hash = `#/${id}`;
});
keepVideos(api, shownId);
askForKey(show);
show();
