/** A session at work: its stage, how far it is, how long it may take, and what is found meanwhile. */

import { announce, h, setStyle } from './dom.js';
import { clock, many, span, timeLeft } from './format.js';
import { STAGES, refused } from './words.js';

/** `{element, show(status), found(finding), interrupted(event)}` */
export function makeWorking({ api, id, name, localVideo, signal, status }) {
  const progress = makeProgress(name);
  const trouble = h('p', { class: 'notice', role: 'status', hidden: true });
  const found = makeFindings(status.analysisType);
  const cancel = h('button', { class: 'button', type: 'button' }, 'Cancel');
  cancel.addEventListener('click', () => stop({ api, id, signal, cancel, trouble }));
  const video = localVideo && h('video', { class: 'working-video', src: localVideo, controls: true, playsinline: true, preload: 'metadata', 'aria-label': name });
  const element = h(
    'div',
    { class: 'working' },
    h('header', { class: 'view-head' }, h('h1', {}, name), cancel),
    trouble,
    h('div', { class: 'card working-card' }, video, progress.element),
    found.element,
  );
  const show = (now) => {
    trouble.hidden = true;
    progress.show(now);
    // The work begins anew, and finds anew.
    if (now.status === 'queued') found.clear();
  };
  const interrupted = ({ retryInSeconds }) => {
    trouble.hidden = false;
    trouble.textContent = `The service does not answer. It is asked again in ${many(Math.max(1, Math.round(retryInSeconds)), 'second')}; nothing is lost.`;
  };
  show(status);
  return { element, show, found: found.add, interrupted };
}

/** How far it is: a number, a bar, words, and the stages. */
function makeProgress(name) {
  const number = h('span', { class: 'working-number' }, '0');
  const fill = h('div', { class: 'bar-fill' });
  const bar = h('div', { class: 'bar', role: 'progressbar', 'aria-label': 'Analysis', 'aria-valuemin': 0, 'aria-valuemax': 100 }, fill);
  const message = h('p', { class: 'working-message' });
  const facts = h('p', { class: 'working-facts' });
  const stages = makeStages();
  const percent = h('p', { class: 'working-percent', 'aria-hidden': 'true' }, number, h('span', {}, ' %'));
  const element = h('div', { class: 'working-state' }, percent, bar, message, facts, stages.element);
  let quarter = 0;
  const show = (now) => {
    number.textContent = String(now.progress);
    setStyle(fill, { width: `${now.progress}%` });
    bar.setAttribute('aria-valuenow', String(now.progress));
    bar.setAttribute('aria-valuetext', `${now.progress} %: ${now.message}`);
    message.textContent = now.message;
    facts.textContent = factsOf(now).join(' · ');
    document.title = `${now.progress} % · ${name}`;
    if (stages.show(now.stage)) announce(now.message);
    else if (Math.floor(now.progress / 25) > quarter) announce(`${now.progress} %`);
    quarter = Math.floor(now.progress / 25);
  };
  return { element, show };
}

function factsOf({ queuePosition, etaSeconds, attempt, status }) {
  const facts = [];
  if (queuePosition) facts.push(queuePosition === 1 ? 'Next in the queue' : `Number ${queuePosition} in the queue`);
  if (etaSeconds !== null && etaSeconds !== undefined && status === 'processing') facts.push(timeLeft(etaSeconds));
  if (attempt > 1) facts.push(`Attempt ${attempt}: the service was restarted in between`);
  return facts;
}

async function stop({ api, id, signal, cancel, trouble }) {
  cancel.disabled = true;
  cancel.textContent = 'Stopping …';
  try {
    await api.cancel(id, { signal });
  } catch (error) {
    // It may have been quicker than the button: then its end is shown anyway.
    if (error.reason === 'already_ended' || error.reason === 'aborted') return;
    trouble.hidden = false;
    trouble.textContent = `It could not be cancelled: ${refused(error).title}.`;
    cancel.disabled = false;
    cancel.textContent = 'Cancel';
  }
}

/** The stages in a row; `show` gives whether the stage is another one. */
function makeStages() {
  const items = STAGES.map(([stage, name]) => ({ stage, item: h('li', {}, name) }));
  let current = null;
  const show = (stage) => {
    if (stage === current) return false;
    current = stage;
    // Loading a model comes between waiting and rating, wherever it happens to be.
    const place = stage === 'done' ? items.length : items.findIndex((one) => one.stage === (stage === 'loading' ? 'scanning' : stage));
    items.forEach(({ item }, index) => {
      item.className = index < place ? 'is-done' : index === place ? 'is-current' : '';
      if (index === place) item.setAttribute('aria-current', 'step');
      else item.removeAttribute('aria-current');
    });
    return true;
  };
  return { element: h('ol', { class: 'stages', 'aria-label': 'Stages' }, items.map(({ item }) => item)), show };
}

function makeFindings(type) {
  const what = type === 'workout' ? 'set' : 'moment';
  const list = h('ul', { class: 'findings-list' });
  const none = h('p', { class: 'fine' }, `Each ${what} appears here as soon as it is certain.`);
  const seen = new Map();
  const add = ({ kind, item }) => {
    const key = `${kind} ${item.start_timestamp}`;
    const line = finding(kind, item);
    // The same one may come again with more said of it.
    if (seen.has(key)) seen.get(key).replaceWith(line);
    else list.append(line);
    seen.set(key, line);
    none.hidden = true;
    announce(`${many(seen.size, what)} found`);
  };
  const clear = () => {
    list.replaceChildren();
    seen.clear();
    none.hidden = false;
  };
  const element = h('section', { class: 'findings' }, h('h2', {}, 'Found so far'), none, list);
  return { element, add, clear };
}

function finding(kind, item) {
  const score = kind === 'moment' ? item.significance_score?.toFixed(1) : item.reps === null ? '–' : `× ${item.reps}`;
  const title = kind === 'moment' ? span(item.start_timestamp, item.end_timestamp) : `${item.exercise_name}, ${clock(item.start_timestamp)} – ${clock(item.end_timestamp)}`;
  return h('li', { class: 'finding card' }, h('span', { class: 'finding-score' }, score ?? ''), h('div', {}, h('strong', {}, title), h('p', {}, item.description ?? '')));
}
