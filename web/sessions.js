/** The sessions of this browser: kept here until they are forgotten, and the same in all of its tabs. */

const KEY = 'video-sessions';
const MOST = 100;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const LAST_INSTANT = 8.64e15; // milliseconds; a Date knows none beyond

class Sessions extends EventTarget {
  #rows = read();

  constructor() {
    super();
    addEventListener('storage', (event) => {
      if (event.key !== KEY && event.key !== null) return;
      this.#rows = read();
      this.#tell();
    });
  }

  /** Newest first: `{id, name, type, status, progress, addedAt, token, params}`. */
  get all() {
    return this.#rows;
  }

  get(id) {
    return this.#rows.find((row) => row.id === id) ?? null;
  }

  /** Keep what is known of a session, beside what is kept already. */
  note(id, facts) {
    const old = this.get(id);
    if (old && Object.entries(facts).every(([name, value]) => old[name] === value)) return;
    // Another tab may have written since.
    const rows = read();
    const place = rows.findIndex((row) => row.id === id);
    if (place >= 0) rows[place] = { ...rows[place], ...facts };
    else rows.unshift({ id, addedAt: Date.now(), ...facts });
    this.#write(rows);
  }

  forget(id) {
    this.#write(read().filter((row) => row.id !== id));
  }

  clear() {
    this.#write([]);
  }

  #write(rows) {
    this.#rows = rows.slice(0, MOST);
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#rows));
    } catch {
      // A browser that keeps nothing, or is full: the list lasts until the page is left.
    }
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}

function read() {
  try {
    const rows = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    const known = new Map();
    if (Array.isArray(rows)) rows.map(sound).forEach((row) => row && !known.has(row.id) && known.set(row.id, row));
    return [...known.values()];
  } catch {
    return [];
  }
}

/** What can be used of a row, which an older page, a person or another program may have written; null for none. */
function sound(row) {
  if (!ID.test(row?.id)) return null;
  const text = (value) => (typeof value === 'string' && value !== '' ? value : undefined);
  return {
    id: row.id,
    name: text(row.name) ?? 'Video',
    type: text(row.type),
    status: text(row.status),
    progress: Number.isFinite(row.progress) ? row.progress : 0,
    addedAt: Math.abs(row.addedAt) <= LAST_INSTANT ? row.addedAt : undefined,
    token: text(row.token),
    params: row.params !== null && typeof row.params === 'object' ? row.params : {},
  };
}

export const sessions = new Sessions();

/** Videos that were sent from this page, by session: they can be shown before the service shows them. */
export const localVideos = new Map();
