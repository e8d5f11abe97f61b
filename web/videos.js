/** The list of this browser's videos, beside whatever is shown. */

import { byId, h, icon } from './dom.js';
import { when } from './format.js';
import { key } from './key.js';
import { localVideos, sessions } from './sessions.js';
import { STATUSES } from './words.js';

const RUNNING = ['queued', 'processing'];
const ASK_EVERY_MS = 4000;
const WIDE = matchMedia('(min-width: 68rem)');

/** Draw the list, and keep it true. `shownId` tells which session is looked at: that one is followed elsewhere. */
export function keepVideos(api, shownId) {
  const draw = () => drawVideos(api, shownId());
  sessions.addEventListener('change', draw);
  addEventListener('hashchange', draw);
  byId('videos-clear').addEventListener('click', () => deleteAll(api));
  const unfold = () => {
    byId('videos').open = WIDE.matches;
  };
  WIDE.addEventListener('change', unfold);
  unfold();
  draw();
  const takeUp = async () => {
    if (await key.isMissing()) return;
    await takeOwn(api);
    await refresh(api, sessions.all);
  };
  key.addEventListener('change', takeUp);
  takeUp();
  setInterval(() => {
    const running = sessions.all.filter((row) => RUNNING.includes(row.status) && row.id !== shownId());
    if (!document.hidden && !key.refused) refresh(api, running);
  }, ASK_EVERY_MS);
}

/** The sessions of the key, from wherever they were sent, join the list. */
async function takeOwn(api) {
  if (!key.text) return;
  try {
    const { sessions: own } = await api.sessions({ limit: 100 });
    for (const { sessionId, filename, analysisType, status, progress, createdAt } of own.reverse()) {
      sessions.note(sessionId, { name: filename, type: analysisType, status, progress, addedAt: Date.parse(createdAt) });
    }
  } catch (error) {
    key.note(error);
  }
}

/** Ask where sessions stand, and note it. What cannot be asked now is asked the next time. */
async function refresh(api, rows) {
  for (const { id } of rows) {
    try {
      const { status, progress } = await api.status(id);
      sessions.note(id, { status, progress });
    } catch (error) {
      if (error.reason === 'session_not_found') sessions.note(id, { status: 'deleted' });
      else if (!error.code || key.note(error)) return;
    }
  }
}

/** Items by session: changed in place, so that whoever is on one with the keyboard stays there. */
const items = new Map();

function drawVideos(api, shown) {
  const rows = sessions.all;
  byId('videos').hidden = rows.length === 0;
  byId('videos-count').textContent = String(rows.length);
  document.body.classList.toggle('has-videos', rows.length > 0);
  const list = byId('videos-list');
  for (const [id, item] of items) {
    if (sessions.get(id)) continue;
    item.element.remove();
    items.delete(id);
  }
  rows.forEach((row, place) => {
    if (!items.has(row.id)) items.set(row.id, newItem(api, row));
    const item = items.get(row.id);
    item.show(row, row.id === shown);
    if (list.children[place] !== item.element) list.insertBefore(item.element, list.children[place] ?? null);
  });
}

function newItem(api, row) {
  const name = h('span', { class: 'video-name' }, row.name ?? 'Video');
  const dot = h('span', { class: 'dot' });
  const facts = h('span', {});
  const link = h('a', { href: `#/${row.id}` }, name, h('span', { class: 'video-facts' }, dot, facts));
  const ask = () => askToDelete(api, sessions.get(row.id));
  const label = `Delete ${row.name}…`;
  const button = h('button', { class: 'icon-button', type: 'button', title: 'Delete…', 'aria-label': label, onclick: ask }, icon('trash'));
  const show = ({ status, progress, type, addedAt }, current) => {
    const words = status === 'processing' ? `${progress ?? 0} %` : (STATUSES[status] ?? '');
    dot.className = `dot is-${status}`;
    facts.textContent = [words, type, addedAt && when(addedAt)].filter(Boolean).join(' · ');
    if (current) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  };
  return { element: h('li', { class: 'video-item' }, link, button), show };
}

/** Delete a session's files at the service, or only take it off the list here. */
export function askToDelete(api, row) {
  ask(`Delete “${row.name}”?`, 'The video and its result are deleted from the service. There is no way back.', [
    ['Delete', 'danger', () => remove(api, row)],
    // With a key the list is the service's.
    ...(key.text ? [] : [['Only take it off this list', '', () => forget(row.id)]]),
  ]);
}

function deleteAll(api) {
  const rows = sessions.all;
  ask(`Delete all ${rows.length} videos?`, 'The videos and their results are deleted from the service. There is no way back.', [
    ['Delete all', 'danger', () => Promise.all(rows.map((row) => remove(api, row)))],
  ]);
}

async function remove(api, row) {
  try {
    await api.cleanup(row.id);
  } catch (error) {
    if (error.reason !== 'session_not_found') throw error;
  }
  forget(row.id);
}

function forget(id) {
  URL.revokeObjectURL(localVideos.get(id));
  localVideos.delete(id);
  sessions.forget(id);
  if (location.hash === `#/${id}`) location.hash = '#/';
}

function ask(title, text, choices) {
  const trouble = h('p', { class: 'trouble', role: 'alert' });
  const dialog = h('dialog', { class: 'ask', 'aria-labelledby': 'ask-title' }, h('h2', { id: 'ask-title' }, title), h('p', {}, text), trouble);
  const act = async (action) => {
    try {
      await action();
      dialog.close();
    } catch (error) {
      trouble.textContent = error.message;
    }
  };
  const buttons = choices.map(([name, look, action]) => h('button', { class: `button ${look}`, type: 'button', onclick: () => act(action) }, name));
  dialog.append(h('div', { class: 'ask-actions' }, h('button', { class: 'button', type: 'button', onclick: () => dialog.close() }, 'Keep'), buttons));
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
