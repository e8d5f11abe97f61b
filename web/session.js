/** One session: followed while it runs, then its result, or why there is none. */

import { announce, h, icon } from './dom.js';
import { key } from './key.js';
import { sessions } from './sessions.js';
import { makeWorking } from './working.js';
import { afterFailure, refused, sentence } from './words.js';

const RUNNING = ['queued', 'processing'];

export async function showSession(context) {
  const { api, id, view, signal } = context;
  put(view, h('p', { class: 'fine' }, 'One moment …'));
  try {
    const first = await firstStatus(context);
    const ended = RUNNING.includes(first.status) ? await followed(context, first) : first;
    if (ended.status === 'completed') await showResult(context);
    else showEnd(context, ended);
  } catch (error) {
    if (signal.aborted) return;
    key.note(error);
    const { title, text, advice } = refused(error);
    const again = h('button', { class: 'button', type: 'button', onclick: () => showSession(context) }, 'Try again');
    put(view, notice(title, `${text} ${advice}`, again));
  }
  if (!signal.aborted && !sessions.get(id)) await adopt(api, id);
}

async function firstStatus({ api, id, signal }) {
  try {
    const status = await api.status(id, { signal });
    note(id, status);
    return status;
  } catch (error) {
    if (error.reason !== 'session_not_found') throw error;
    return { status: 'deleted' };
  }
}

/** Follow it to its end, showing how far it is; gives its last status. */
async function followed(context, first) {
  const { api, id, view, signal } = context;
  const row = sessions.get(id);
  const working = makeWorking({ ...context, name: row?.name ?? 'Video', status: first });
  put(view, working.element);
  let last = first;
  for await (const event of api.follow(id, { signal })) {
    if (event.type === 'status') {
      last = event.status;
      note(id, last);
      working.show(last);
    } else if (event.type === 'partial') {
      working.found(event.finding);
    } else if (event.type === 'interrupted') {
      working.interrupted(event);
    } else {
      last = { ...last, status: event.status };
    }
  }
  if (last.status === 'failed' && !last.error) last = await api.status(id, { signal });
  if (sessions.get(id)) sessions.note(id, { status: last.status });
  return last;
}

async function showResult({ api, id, view, signal, localVideo }) {
  const [{ data }, { makeResult }] = await Promise.all([api.results(id, { signal }), import('./result.js'), key.fetchTicket(api, id)]);
  if (signal.aborted) return;
  const row = sessions.get(id);
  if (row && !row.name) sessions.note(id, { name: data.video.filename });
  put(view, makeResult({ api, id, data, localVideo, signal, params: row?.params ?? {} }));
  document.title = `${data.video.filename} · Video analysis`;
  announce(`${data.video.filename} is ready`);
}

function showEnd({ id, view }, status) {
  const again = h('a', { class: 'button primary', href: '#/' }, 'Analyse another video');
  const [title, text] = ENDS[status.status](status);
  put(view, notice(title, text, again, { bad: status.status === 'failed', name: sessions.get(id)?.name }));
  announce(title);
  if (sessions.get(id)) sessions.note(id, { status: status.status });
}

const ENDS = {
  failed: ({ error, reason }) => ['The analysis failed', `${sentence(error ?? 'It ended without a result')} ${afterFailure(reason)}`],
  cancelled: () => ['Cancelled', 'The work was stopped; what was found until then is gone.'],
  expired: () => ['This result has expired', 'The service keeps a result for a limited time. Upload the video again to see it anew.'],
  deleted: () => ['This video is not there', 'It was deleted, or it never existed on this service. Upload it to analyse it.'],
};

function notice(title, text, action, { bad = false, name = null } = {}) {
  return h('div', { class: 'ended card' }, bad && icon('warning'), name && h('p', { class: 'fine' }, name), h('h1', {}, title), h('p', {}, text), action);
}

/** Show it in place of what was there; whoever was on that with the keyboard is on this now. */
function put(view, element) {
  const inside = view.contains(document.activeElement);
  view.replaceChildren(element);
  if (inside) view.focus({ preventScroll: true });
}

function note(id, { status, progress }) {
  if (sessions.get(id)) sessions.note(id, { status, progress });
}

/** An address that somebody was given: it joins this browser's list. */
async function adopt(api, id) {
  try {
    const { status, progress, analysisType } = await api.status(id);
    const { data } = status === 'completed' ? await api.results(id) : {};
    sessions.note(id, { name: data?.video.filename ?? 'Video', type: analysisType, status, progress });
  } catch {
    // Unknown here too: there is nothing to list.
  }
}
