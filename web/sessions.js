/** The sessions of this browser: kept here until they are forgotten, and the same in all of its tabs. */

const KEY = 'video-sessions';
const MOST = 100;

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
    return Array.isArray(rows) ? rows.filter((row) => typeof row?.id === 'string') : [];
  } catch {
    return [];
  }
}

export const sessions = new Sessions();

/** Videos that were sent from this page, by session: they can be shown before the service shows them. */
export const localVideos = new Map();
