/** The timeline under the player: curves, moments or sets, repetitions, rests and shots; hover peeks, a click seeks. */

import { h, setStyle, svg } from './dom.js';
import { clock } from './format.js';
import { at, placeInWords } from './model.js';

const POINTS = 800;
const MANY_SHOTS = 120; // from here on the gaps between their bars would hide them
const CURVE_HEIGHT = 100;
const STEP_SECONDS = 1;
const LEAP_SECONDS = 5;
const LEAST_PIXELS = 4; // of a bar, as the style sheet has it

/** `{element, show(time)}`; `seek(time)` and `leap(±1)` are called for what the person wants. */
export function makeTimeline(model, { seek, leap, toggle, fileUrl }) {
  const playhead = h('div', { class: 'playhead' });
  const hairline = h('div', { class: 'hairline', hidden: true });
  const slider = h('div', {
    class: 'timeline-slider',
    role: 'slider',
    tabindex: 0,
    'aria-label': `Place in the video; Page Up and Page Down move between ${model.what}s`,
    'aria-valuemin': 0,
    'aria-valuemax': Math.round(model.duration * 10) / 10,
  });
  const rows = h('div', { class: 'timeline-rows' }, curveRow(model), spanRow(model), repRow(model), shotRow(model), ruler(model.duration), hairline, playhead, slider);
  const peek = makePeek(model, fileUrl);
  const element = h('div', { class: 'timeline' }, rows, peek.element, legend(model));
  let now = 0;
  const show = (time) => {
    now = time;
    setStyle(playhead, { left: place(time, model.duration) });
    slider.setAttribute('aria-valuenow', time.toFixed(1));
    slider.setAttribute('aria-valuetext', `${clock(time)} of ${clock(model.duration)}, ${placeInWords(model, time)}`);
  };
  listenToPointer(slider, rows, model, { seek, hairline, peek });
  slider.addEventListener('keydown', (event) => {
    const act = keyed(event, { now, end: model.duration, seek, leap, toggle });
    if (!act) return;
    event.preventDefault();
    act();
  });
  show(0);
  return { element, show };
}

function keyed({ key, shiftKey }, { now, end, seek, leap, toggle }) {
  const step = shiftKey ? LEAP_SECONDS : STEP_SECONDS;
  const within = (time) => seek(Math.min(end, Math.max(0, time)));
  const keys = {
    ArrowRight: () => within(now + step),
    ArrowUp: () => within(now + step),
    ArrowLeft: () => within(now - step),
    ArrowDown: () => within(now - step),
    Home: () => seek(0),
    End: () => seek(end),
    PageUp: () => leap(1),
    PageDown: () => leap(-1),
    ' ': toggle,
  };
  return keys[key];
}

function listenToPointer(slider, rows, model, { seek, hairline, peek }) {
  const timeAt = (event) => {
    const box = rows.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * model.duration;
  };
  const look = (event) => {
    const time = timeAt(event);
    hairline.hidden = false;
    setStyle(hairline, { left: place(time, model.duration) });
    peek.show(time, barAt(model, time, rows.clientWidth));
  };
  const leave = () => {
    hairline.hidden = true;
    peek.hide();
  };
  slider.addEventListener('pointermove', (event) => {
    if (event.pointerType !== 'touch' || event.buttons) look(event);
    if (event.buttons & 1 && slider.hasPointerCapture(event.pointerId)) seek(timeAt(event));
  });
  slider.addEventListener('pointerdown', (event) => {
    if (event.button) return;
    slider.setPointerCapture(event.pointerId);
    const time = timeAt(event);
    const bars = rows.querySelector('.spans').getBoundingClientRect();
    const bar = event.clientY >= bars.top && event.clientY <= bars.bottom && barAt(model, time, bars.width);
    seek(bar ? bar.start : time);
  });
  slider.addEventListener('pointerleave', leave);
  slider.addEventListener('pointerup', (event) => event.pointerType === 'touch' && leave());
}

/** The moment or set whose bar is there: one that is short beside the whole video still has a bar of some pixels. */
function barAt({ spans, duration }, time, pixels) {
  const least = (LEAST_PIXELS * duration) / pixels;
  return at(spans, time) ?? spans.findLast((one) => one.start <= time && time < one.start + least) ?? null;
}

function place(time, duration) {
  return `${(100 * Math.min(1, Math.max(0, time / duration))).toFixed(3)}%`;
}

function width(start, end, duration) {
  return `${(100 * (end - start) / duration).toFixed(3)}%`;
}

// ── Rows ────────────────────────────────────────────────────────────────────────────────────────

function curveRow({ curves, duration, threshold }) {
  if (!curves) return null;
  const significance = curves.significance.map((value) => (value - 1) / 9);
  const line = (values, name) =>
    svg('path', { class: `curve-${name}`, d: path(values, curves.step_seconds, duration), 'vector-effect': 'non-scaling-stroke' });
  const level = threshold === null ? null : CURVE_HEIGHT * (1 - (threshold - 1) / 9);
  return svg(
    'svg',
    { class: 'curve', viewBox: `0 0 1000 ${CURVE_HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svg('path', { class: 'curve-area', d: `${path(significance, curves.step_seconds, duration)} V ${CURVE_HEIGHT} H 0 Z` }),
    line(curves.motion, 'motion'),
    curves.loudness && line(curves.loudness, 'loudness'),
    line(significance, 'significance'),
    level !== null && svg('path', { class: 'curve-threshold', d: `M 0 ${level} H 1000`, 'vector-effect': 'non-scaling-stroke' }),
  );
}

/** Values 0-1 as a line, no finer than it can be seen; the highest of what falls together stays. */
function path(values, step, duration) {
  const every = Math.ceil(values.length / POINTS);
  const points = [];
  for (let index = 0; index < values.length; index += every) {
    const highest = Math.max(...values.slice(index, index + every));
    const x = Math.min(1000, (1000 * (index + every / 2) * step) / duration);
    points.push([x, CURVE_HEIGHT * (1 - Math.min(1, Math.max(0, highest)))]);
  }
  if (!points.length) return `M 0 ${CURVE_HEIGHT}`;
  const inner = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`).join(' L ');
  return `M 0 ${points[0][1].toFixed(1)} L ${inner} L 1000 ${points.at(-1)[1].toFixed(1)}`;
}

function spanRow({ spans, rests, duration }) {
  const bars = spans.map((one) => {
    const wide = (one.end - one.start) / duration > 0.035;
    const style = { left: place(one.start, duration), width: width(one.start, one.end, duration) };
    return h('div', { class: `span hue-${one.hue}${one.weak ? ' is-weak' : ''}`, style }, wide && one.short);
  });
  const pauses = rests.map(({ start_timestamp: start, end_timestamp: end }) =>
    h('div', { class: 'rest', style: { left: place(start, duration), width: width(start, end, duration) } }),
  );
  return h('div', { class: 'track spans', 'aria-hidden': 'true' }, pauses, bars);
}

function repRow({ reps, workout, duration }) {
  if (!workout || !reps.length) return null;
  const x = (time) => ((1000 * time) / duration).toFixed(2);
  const ticks = (partial) => reps.filter((rep) => rep.partial === partial).map((rep) => `M ${x(rep.end)} 0 V 10`).join(' ');
  const line = (partial, name) => svg('path', { class: name, d: ticks(partial) || 'M 0 0', 'vector-effect': 'non-scaling-stroke' });
  return svg(
    'svg',
    { class: 'reps', viewBox: '0 0 1000 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    line(false, 'rep'),
    line(true, 'rep is-partial'),
  );
}

function shotRow({ shots, duration }) {
  if (shots.length < 2) return null;
  const bars = shots.map(([start, end]) => h('div', { class: 'shot', style: { left: place(start, duration), width: width(start, end, duration) } }));
  return h('div', { class: `track shots${shots.length > MANY_SHOTS ? ' is-dense' : ''}`, 'aria-hidden': 'true' }, bars);
}

function ruler(duration) {
  const steps = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600];
  const step = steps.find((seconds) => duration / seconds <= 8) ?? 7200;
  const marks = [];
  for (let time = 0; time < duration - step * 0.4; time += step) {
    marks.push(h('span', { style: { left: place(time, duration) } }, clock(time, step < 1)));
  }
  return h('div', { class: 'ruler', 'aria-hidden': 'true' }, marks, h('span', { class: 'ruler-end' }, clock(duration)));
}

function legend({ curves, workout, shots, rests, reps, spans, threshold }) {
  const entries = [
    curves && ['significance', 'Significance, 1 to 10'],
    curves && threshold !== null && ['threshold', `Asked for: ${threshold} or more`],
    curves && ['motion', 'Motion'],
    curves?.loudness && ['loudness', 'Loudness'],
    spans.length && ['span', workout ? 'Sets, a colour an exercise' : 'Moments, by rank'],
    reps.length && ['rep', 'Repetitions'],
    rests.length && ['rest', 'Rests'],
    shots.length > 1 && ['shot', 'Shots'],
  ];
  return h('ul', { class: 'legend' }, entries.filter(Boolean).map(([name, text]) => h('li', {}, h('i', { class: `key key-${name}` }), text)));
}

// ── What is peeked at ───────────────────────────────────────────────────────────────────────────

/** A still and a few words about an instant, above the timeline. */
function makePeek(model, fileUrl) {
  const picture = h('img', { alt: '', hidden: true, decoding: 'async' });
  const time = h('strong', {});
  const words = h('span', {});
  const element = h('div', { class: 'peek', hidden: true, 'aria-hidden': 'true' }, picture, h('p', {}, time, words));
  picture.addEventListener('error', () => {
    picture.hidden = true;
  });
  const show = (instant, here) => {
    const segment = at(model.segments, instant, 'start_timestamp', 'end_timestamp');
    const still = here?.still ?? segment?.thumbnail_url ?? null;
    const source = still && fileUrl(still);
    if (source && picture.getAttribute('src') !== source) {
      picture.src = source;
      picture.hidden = false;
    }
    if (!source) {
      picture.hidden = true;
      picture.removeAttribute('src');
    }
    time.textContent = clock(instant, true);
    words.textContent = here ? `${here.name}: ${here.text}` : scoreHere(model, instant);
    element.hidden = false;
    const share = instant / model.duration;
    setStyle(element, { left: `${share * 100}%`, transform: `translateX(${-share * 100}%)` });
  };
  const hide = () => {
    element.hidden = true;
  };
  return { element, show, hide };
}

function scoreHere({ curves, rests }, instant) {
  if (at(rests, instant, 'start_timestamp', 'end_timestamp')) return 'rest';
  const value = curves?.significance[Math.floor(instant / curves.step_seconds)];
  return value === undefined ? '' : `significance ${value.toFixed(1)}`;
}
