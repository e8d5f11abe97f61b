/** A workout: its sums, and a table of its sets. */

import { h, icon } from './dom.js';
import { clock, percent, span } from './format.js';
import { repsInWords } from './model.js';

export function makeSummary({ summary }) {
  const tiles = [
    ['Sets', summary.total_sets],
    ['Exercises', summary.total_exercises_identified],
    ['Reps', summary.total_reps ?? '–'],
    ['Work', clock(summary.work_seconds)],
    ['Rest', clock(summary.rest_seconds)],
  ];
  return h(
    'section',
    { class: 'summary card', 'aria-label': 'Summary' },
    h('dl', { class: 'tiles' }, tiles.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, String(value))))),
    h('p', {}, summary.text),
  );
}

/** The table; `play(span)` is called for the set that is wanted. Roles are said outright: on narrow screens its rows
 * are laid out as cards, and a browser could forget that it is a table. */
export function makeSets(model, { play, fileUrl }) {
  if (!model.spans.length) return h('p', { class: 'fine' }, 'No sets were found: nothing repeats, and no posture is held.');
  const heads = ['Set', 'When', 'Repetitions', 'Tempo', 'Rest after', 'Confidence'];
  const head = h('tr', { role: 'row' }, heads.map((name) => h('th', { role: 'columnheader', scope: 'col' }, name)));
  return h(
    'table',
    { class: 'sets card', role: 'table' },
    h('caption', { class: 'unseen' }, 'Sets in the order in which they come'),
    h('thead', { role: 'rowgroup' }, head),
    h('tbody', { role: 'rowgroup' }, model.spans.map((one) => setRow(model, one, { play, fileUrl }))),
  );
}

function setRow(model, one, { play, fileUrl }) {
  const { item } = one;
  const cell = (name, ...children) => h('td', { role: 'cell', 'data-label': name }, h('div', { class: 'cell' }, children));
  return h(
    'tr',
    { role: 'row' },
    h('th', { role: 'rowheader', scope: 'row' }, setName(one, fileUrl)),
    cell('When', playButton(one, play)),
    cell('Repetitions', count(item)),
    cell('Tempo', ...tempo(item.tempo)),
    cell('Rest after', restAfter(model, one)),
    cell('Confidence', percent(item.confidence)),
  );
}

function setName(one, fileUrl) {
  const { item } = one;
  const notes = (item.observations ?? []).map(({ text }) => h('li', {}, text));
  return h(
    'div',
    { class: 'set-name' },
    one.still && h('img', { src: fileUrl(one.still), alt: '', loading: 'lazy', decoding: 'async' }),
    h('div', {},
      h('strong', {}, h('i', { class: `key hue-${one.hue}` }), item.exercise_name, h('span', { class: 'set-index' }, `set ${item.set_index}`)),
      h('p', {}, item.description),
      notes.length > 0 && h('ul', { class: 'notes' }, notes)),
  );
}

function playButton(one, play) {
  const label = `Play ${one.name}, ${span(one.start, one.end)}`;
  return h('button', { class: 'button small', type: 'button', 'aria-label': label, onclick: () => play(one) }, icon('play'), span(one.start, one.end));
}

function count(item) {
  if (item.reps === null) return h('span', { class: 'uncounted' }, repsInWords(item));
  const range = item.reps_range;
  const sure = !range || range[0] === range[1];
  return [h('strong', { class: 'reps-number' }, repsInWords(item)), !sure && h('span', { class: 'fine' }, ` ${range[0]} to ${range[1]}`)];
}

function tempo(measured) {
  if (!measured) return ['–'];
  const { seconds_per_rep: each, reps_per_minute: pace, trend } = measured;
  const change = Math.abs(trend) < 0.05 ? 'even' : trend > 0 ? 'slowing down' : 'speeding up';
  return [h('span', { class: 'plain' }, `${each.toFixed(1)} s each`), h('span', { class: 'fine' }, ` ${Math.round(pace)} a minute, ${change}`)];
}

function restAfter(model, one) {
  const next = model.rests.find((rest) => Math.abs(rest.start_timestamp - one.end) < 1);
  if (!next) return '–';
  return [clock(next.duration), next.activity && h('span', { class: 'fine' }, ` ${next.activity}`)];
}
