/** A result: the player with its timeline, what was found, the reel, and what can be taken along. */

import { h, icon } from './dom.js';
import { bytes, clock, many, percent } from './format.js';
import { modelOf } from './model.js';
import { makeMoments } from './moments.js';
import { makePlayer } from './player.js';
import { sessions } from './sessions.js';
import { makeSets, makeSummary } from './sets.js';
import { makeShare } from './share.js';
import { askToDelete } from './videos.js';
import { analyzer } from './words.js';

const STILL = matchMedia('(prefers-reduced-motion: reduce)');

export function makeResult({ api, id, data, localVideo, signal, params }) {
  const model = modelOf(data);
  const fileUrl = (path) => api.fileUrl(path, id);
  const player = makePlayer(model, {
    address: data.source_url ? fileUrl(data.source_url) : (localVideo ?? null),
    preview: data.preview_url ? fileUrl(data.preview_url) : null,
    poster: model.spans[0]?.still ? fileUrl(model.spans[0].still) : null,
    name: data.video.filename,
    shape: data.video.width / data.video.height,
    fileUrl,
    signal,
  });
  const play = (one) => {
    player.play(one);
    player.element.scrollIntoView({ block: 'nearest', behavior: STILL.matches ? 'auto' : 'smooth' });
  };
  const found = model.workout ? makeSummary(data) : makeMoments(model, { play, fileUrl });
  return h(
    'div',
    { class: `result ${model.workout ? 'is-workout' : 'is-highlights'}` },
    makeHead(api, id, data),
    makeNotes(data),
    h('div', { class: 'result-columns' },
      player.element,
      h('section', { class: 'result-side', 'aria-labelledby': 'found-title' }, h('h2', { id: 'found-title' }, foundTitle(model)), found)),
    model.workout && h('section', { 'aria-labelledby': 'sets-title' }, h('h2', { id: 'sets-title' }, 'Sets'), makeSets(model, { play, fileUrl })),
    makeReel(data, fileUrl),
    makeShare({ id, data, params, fileUrl }),
    makeColophon(data),
  );
}

function foundTitle({ workout, spans }) {
  if (workout) return 'In sum';
  return spans.length ? `${many(spans.length, 'moment')}, best first` : 'No moments';
}

function makeHead(api, id, data) {
  const { video } = data;
  const facts = [clock(video.duration_seconds), `${video.width} × ${video.height}`, `${Math.round(video.fps)} pictures a second`, video.has_audio ? 'with sound' : 'no sound', bytes(video.size_bytes)];
  const row = () => sessions.get(id) ?? { id, name: video.filename };
  return h(
    'header',
    { class: 'view-head' },
    h('div', {}, h('h1', {}, video.filename), h('p', { class: 'facts' }, facts.join(' · '))),
    h('div', { class: 'head-actions' },
      h('a', { class: 'button', href: '#/' }, 'New analysis'),
      h('button', { class: 'button quiet', type: 'button', onclick: () => askToDelete(api, row()) }, icon('trash'), 'Delete…')),
  );
}

/** Who looked and what that means, and what the service warns of. */
function makeNotes(data) {
  const { name, text } = analyzer(data);
  const who = h('details', { class: 'analyzer' }, h('summary', {}, icon(data.analyzer.name === 'signals' ? 'wave' : 'eye'), name), h('p', {}, text));
  const warnings = data.warnings.map((words) => h('li', {}, words));
  return h('div', { class: 'result-notes' }, who, warnings.length > 0 && h('div', { class: 'notice' }, icon('warning'), h('ul', { 'aria-label': 'Warnings' }, warnings)));
}

function makeReel(data, fileUrl) {
  if (!data.reel_url) return null;
  const address = fileUrl(data.reel_url);
  return h(
    'section',
    { class: 'reel card', 'aria-labelledby': 'reel-title' },
    h('div', { class: 'reel-words' },
      h('h2', { id: 'reel-title' }, 'The reel'),
      h('p', {}, 'The moments one after the other, as one video.'),
      h('a', { class: 'button primary', href: address, download: `${data.video.filename.replace(/\.[^.]*$/, '')}-reel.mp4` }, icon('download'), 'Download the reel')),
    h('video', { class: 'reel-video', src: address, controls: true, playsinline: true, preload: 'metadata', 'aria-label': 'The reel' }),
  );
}

function makeColophon(data) {
  const seconds = data.processing_time_seconds;
  const speed = seconds > 0 ? `, ${(data.video.duration_seconds / seconds).toFixed(1)} times as fast as it plays` : '';
  const words = [`Analysed in ${seconds.toFixed(1)} s${speed}`, `${percent(data.coverage)} of the pictures`, `version ${data.analyzer.version}`];
  return h('p', { class: 'colophon fine' }, words.join(' · '));
}
