/** The key of this browser, where the service asks for one: kept here until it is forgotten, the same in all tabs. */

import { announce, byId } from './dom.js';
import { localVideos, sessions } from './sessions.js';
import { VideoApi } from './video-api.js';
import { refused } from './words.js';

const KEPT = 'video-key';
const NOT_ACCEPTED = 'This is not a key that the service accepts.';
const SENDABLE = /^[!-~]+$/; // what the service takes for a key

class Key extends EventTarget {
  /** The key, or null. */
  text = read();
  /** Whether it was not accepted. */
  refused = false;
  /** What the service says of itself; null where it does not answer. */
  health = fetch('../health').then((answer) => answer.json()).catch(() => null);
  #tickets = new Map();

  constructor() {
    super();
    addEventListener('storage', (event) => {
      if (event.key === KEPT || event.key === null) this.#take(read());
    });
  }

  /** Whether the service asks for a key and there is none that it takes. */
  async isMissing() {
    return this.refused || (this.text === null && Boolean((await this.health)?.keys));
  }

  /** Whether the error says that a key is missing; then it is asked for. */
  note(error) {
    if (error.reason !== 'unauthorized') return false;
    this.refused = true;
    this.ask();
    return true;
  }

  ask() {
    this.dispatchEvent(new Event('ask'));
  }

  use(text) {
    keep(text);
    this.#take(text);
  }

  forget() {
    keep(null);
    this.#take(null);
  }

  /** What `<video>` and `<img>` send in the key's place; null without a key. */
  ticketOf(id) {
    return this.#tickets.get(id) ?? null;
  }

  async fetchTicket(api, id) {
    if (this.text) this.#tickets.set(id, (await api.token(id)).sessionToken);
  }

  #take(text) {
    this.text = text;
    this.refused = false;
    this.#tickets.clear();
    this.dispatchEvent(new Event('change'));
  }
}

function read() {
  try {
    return localStorage.getItem(KEPT) || null;
  } catch {
    return null;
  }
}

function keep(text) {
  try {
    if (text === null) localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, text);
  } catch {
    // A browser that keeps nothing: the key lasts until the page is left.
  }
}

function drop(name) {
  try {
    localStorage.removeItem(name);
  } catch {
    // Then there is nothing to remove.
  }
}

export const key = new Key();

/** Ask for the key where it is missing, and offer to forget it; `changed` is called with another one, or none. */
export function askForKey(changed) {
  const form = byId('ask-key');
  const draw = async () => {
    byId('forget-key').hidden = key.text === null;
    form.hidden = !(await key.isMissing());
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    tryKey(byId('key'), byId('key-trouble'));
  });
  byId('forget-key').addEventListener('click', () => {
    forgetAll();
    announce('The key is forgotten');
    byId('main').focus();
  });
  key.addEventListener('ask', async () => {
    await draw();
    byId('key-trouble').textContent = key.text ? 'The key that was used until now is not accepted.' : '';
    byId('key').focus();
  });
  key.addEventListener('change', () => {
    draw();
    changed();
  });
  draw();
}

async function tryKey(input, trouble) {
  const text = input.value.trim();
  const say = (words) => {
    trouble.textContent = words;
    input.focus();
  };
  if (!SENDABLE.test(text)) {
    say(NOT_ACCEPTED);
    return;
  }
  try {
    await new VideoApi({ apiKey: text }).sessions({ limit: 1 });
    input.value = '';
    trouble.textContent = '';
    key.use(text);
    announce('The key is accepted');
    byId('main').focus();
  } catch (error) {
    say(error.reason === 'unauthorized' ? NOT_ACCEPTED : `${refused(error).title}.`);
  }
}

/** On a machine that others use too, nothing may tell them what was here. */
function forgetAll() {
  for (const url of localVideos.values()) URL.revokeObjectURL(url);
  localVideos.clear();
  sessions.clear();
  drop('video-uploads'); // as `resumable.js` keeps them
  key.forget();
  location.hash = '#/';
}
