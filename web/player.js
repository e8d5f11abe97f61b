/** The video with its timeline, and the ways to move between moments. */

import { announce, h, icon, setStyle } from './dom.js';
import { clock } from './format.js';
import { at, placeInWords } from './model.js';
import { makeTimeline } from './timeline.js';

const NEAR = 0.05;

/** `{element, play(span)}`. `address` is where the video is, or null; `preview` where one for browsers is;
 * `shape` its width by its height. */
export function makePlayer(model, { address, preview, poster, name, shape, fileUrl, signal }) {
  const video = h('video', { controls: true, playsinline: true, preload: 'metadata', poster, 'aria-label': name });
  const shade = h('p', { class: 'screen-note', role: 'status', hidden: true });
  const readout = h('output', { class: 'readout', 'aria-hidden': 'true' });
  const state = { time: 0, until: null };
  const showTime = (time) => {
    state.time = time;
    readout.textContent = `${clock(time, true)} / ${clock(model.duration)}`;
    timeline.show(time);
  };
  const moves = makeMoves(model, video, state, showTime);
  const timeline = makeTimeline(model, { ...moves, fileUrl });

  follow(video, state, showTime);
  // As it will be, so that nothing jumps once the video is there; a tall one stands between bars.
  setStyle(video, { 'aspect-ratio': String(Math.max(1.2, shape)) });
  const screen = h('div', { class: 'screen' }, video, shade);
  showSource(video, shade, { address, preview, signal });
  const element = h(
    'section',
    { class: 'player card', 'aria-label': 'Player' },
    screen,
    makeControls(model, moves, state, readout),
    timeline.element,
  );
  showTime(0);
  return { element, play: moves.play };
}

/** The ways to get about: to a time, to a moment and to its end, to the one before and after. */
function makeMoves(model, video, state, showTime) {
  const start = () => video.play().catch(() => {}); // refused where there is nothing to play, which is told already
  const seek = (time) => {
    state.until = null;
    if (video.src) video.currentTime = time;
    showTime(time);
  };
  const play = (one) => {
    seek(one.start);
    state.until = one.end;
    announce(placeInWords(model, one.start));
    if (video.src) start();
  };
  const leap = (way) => {
    const ahead = model.spans.filter((one) => one.start > state.time + NEAR);
    const behind = model.spans.filter((one) => one.start < state.time - NEAR);
    const to = way > 0 ? ahead[0] : behind.at(-1);
    if (!to) return;
    seek(to.start);
    announce(placeInWords(model, to.start));
  };
  const toggle = () => (video.paused ? start() : video.pause());
  return { seek, play, leap, toggle };
}

function makeControls(model, { leap, play }, state, readout) {
  const { what } = model;
  const playHere = () => play(at(model.spans, state.time + NEAR) ?? model.spans[0]);
  const button = (name, sign, act, look = '') =>
    h('button', { class: 'button small', type: 'button', title: name, onclick: act, disabled: !model.spans.length }, icon(sign), h('span', { class: look }, name));
  return h(
    'div',
    { class: 'controls' },
    button(`Previous ${what}`, 'previous', () => leap(-1), 'optional'),
    button(`Play ${what}`, 'play', playHere),
    button(`Next ${what}`, 'next', () => leap(1), 'optional'),
    readout,
  );
}

/** The timeline runs along with the video, picture by picture while it plays; one moment stops at its end. */
function follow(video, state, showTime) {
  const tick = () => {
    if (state.until !== null && video.currentTime >= state.until) {
      video.pause();
      state.until = null;
    }
    showTime(video.currentTime);
    if (!video.paused && video.isConnected) requestAnimationFrame(tick);
  };
  video.addEventListener('play', () => requestAnimationFrame(tick));
  video.addEventListener('seeked', () => showTime(video.currentTime));
}

/** The video itself, or the preview that the service makes of one that browsers cannot play. */
function showSource(video, shade, { address, preview, signal }) {
  const say = (words) => {
    shade.textContent = words;
    shade.hidden = words === '';
  };
  const fallBack = () => {
    if (preview) showPreview(video, preview, say, signal);
    else say('This browser cannot play the video. Its moments and times hold all the same.');
  };
  if (preview) {
    fallBack();
  } else if (address) {
    video.addEventListener('error', () => say('This browser cannot play the video. Its moments and times hold all the same.'));
    video.src = address;
  } else {
    video.parentElement.classList.add('is-empty');
    say('The service keeps no copy of this video to play.');
  }
}

async function showPreview(video, address, say, signal) {
  say('Making a version of this video that browsers play …');
  while (!signal.aborted) {
    try {
      const answer = await fetch(address, { headers: { Range: 'bytes=0-0' }, signal });
      if (answer.status !== 202) {
        if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
        say('');
        video.src = address;
        return;
      }
      const { progress } = await answer.json();
      if (progress) say(`Making a version of this video that browsers play: ${progress} %`);
      await new Promise((resolve) => setTimeout(resolve, 1000 * (Number(answer.headers.get('retry-after')) || 1)));
    } catch {
      if (!signal.aborted) say('No version of this video could be made that browsers play. Its moments and times hold all the same.');
      return;
    }
  }
}
