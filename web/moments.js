/** The ranked moments: a card each, with its still, its score, and why it scored. */

import { h, icon, setStyle, svg } from './dom.js';
import { percent, span } from './format.js';
import { SIGNALS } from './words.js';

/** The list of cards. `play(span)` is called for the one that is wanted. */
export function makeMoments(model, { play, fileUrl }) {
  const ranked = [...model.spans].sort((one, other) => one.item.rank - other.item.rank);
  if (!ranked.length) return h('p', { class: 'fine' }, 'There are no moments in this video.');
  return h('ol', { class: 'moments' }, ranked.map((one) => h('li', {}, momentCard(model, one, { play, fileUrl }))));
}

function momentCard(model, one, { play, fileUrl }) {
  const { item } = one;
  return h(
    'article',
    { class: `moment card${one.weak ? ' is-weak' : ''}`, 'aria-label': one.name },
    h(
      'button',
      { class: 'still', type: 'button', onclick: () => play(one), 'aria-label': `Play moment ${item.rank}, ${span(one.start, one.end)}` },
      one.still ? still(fileUrl(one.still)) : sketch(model, one),
      h('span', { class: 'still-rank' }, String(item.rank)),
      h('span', { class: 'still-play' }, icon('play')),
    ),
    h('div', { class: 'moment-head' },
      h('h3', {}, span(one.start, one.end)),
      ring(one.score),
      one.weak && h('span', { class: 'tag' }, model.threshold === null ? 'below what was asked for' : `below ${model.threshold}`)),
    h('div', { class: 'moment-body' }, h('p', { class: 'moment-text' }, item.description), levels(item.signals), why(item)),
  );
}

function still(source) {
  const picture = h('img', { src: source, alt: '', loading: 'lazy', decoding: 'async' });
  picture.addEventListener('error', () => picture.remove());
  return picture;
}

/** Where there is no still: how significance runs around the moment. */
function sketch({ curves, duration }, { start, end }) {
  const around = Math.max(4, (end - start) * 2);
  const [from, to] = [Math.max(0, start - around), Math.min(duration, end + around)];
  const values = (curves?.significance ?? []).slice(Math.floor(from / curves?.step_seconds), Math.ceil(to / curves?.step_seconds));
  const points = values.map((value, index) => `${((160 * index) / Math.max(1, values.length - 1)).toFixed(1)} ${(84 - 7.4 * (value - 1)).toFixed(1)}`);
  const x = (time) => (160 * (time - from)) / (to - from);
  return svg(
    'svg',
    { class: 'sketch', viewBox: '0 0 160 90', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svg('rect', { x: x(start), y: 0, width: x(end) - x(start), height: 90 }),
    points.length && svg('path', { d: `M ${points.join(' L ')}`, 'vector-effect': 'non-scaling-stroke' }),
  );
}

/** The score, and as much of a circle as it has of ten. */
function ring(score) {
  const round = 2 * Math.PI * 16;
  return h(
    'span',
    { class: 'ring' },
    svg('svg', { viewBox: '0 0 40 40', 'aria-hidden': 'true' },
      svg('circle', { class: 'ring-all', cx: 20, cy: 20, r: 16 }),
      svg('circle', { class: 'ring-part', cx: 20, cy: 20, r: 16, 'stroke-dasharray': `${(round * score) / 10} ${round}` })),
    h('span', { class: 'ring-number' }, h('span', { class: 'unseen' }, 'Significance '), score < 9.95 ? score.toFixed(1) : '10', h('span', { class: 'unseen' }, ' of 10')),
  );
}

function levels(signals) {
  const rows = Object.entries(SIGNALS).map(([name, [label, meaning]]) => {
    const value = signals[name] ?? null;
    const bar = h('span', { class: 'level-fill' });
    setStyle(bar, { width: `${100 * (value ?? 0)}%` });
    return [
      h('dt', { title: meaning }, label),
      h('dd', { class: value === null ? 'is-missing' : '' },
        h('span', { class: `level level-${name}`, 'aria-hidden': 'true' }, bar),
        h('span', { class: 'level-number' }, value === null ? 'not measured' : percent(value))),
    ];
  });
  return h('dl', { class: 'levels' }, rows);
}

/** What the score is made of, for whoever asks. */
function why(item) {
  const { parts } = item;
  const lines = [
    ['Strength of what was measured', percent(parts.signals)],
    ['What the model finds', parts.eyes === null || parts.eyes === undefined ? 'no model looked' : percent(parts.eyes)],
    ['Standing among this video’s moments', percent(parts.rank)],
    ['Confidence', percent(item.confidence)],
  ];
  return h(
    'details',
    { class: 'why' },
    h('summary', {}, `Why ${item.significance_score.toFixed(1)}`),
    item.signals_text && item.signals_text !== item.description && h('p', {}, `Measured: ${item.signals_text}`),
    h('dl', { class: 'why-lines' }, lines.map(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
  );
}
