/** What player, timeline and lists need of a result, the same for both kinds of analysis. */

import { span } from './format.js';

const HUES = 6;

/**
 * `spans` are moments or sets in time order: {start, end, name, short, score, still, weak, hue, text, item};
 * `reps` the instants at which one ends; all times in seconds.
 */
export function modelOf(data) {
  const workout = data.exercise_steps !== undefined;
  return {
    workout,
    what: workout ? 'set' : 'moment',
    duration: data.video.duration_seconds,
    curves: data.curves ?? null,
    shots: data.shots ?? [],
    threshold: workout ? null : (data.settings?.min_significance ?? null),
    segments: (workout ? data.segment_analyses : data.segments) ?? [],
    rests: data.rests ?? [],
    spans: (workout ? setsOf(data) : momentsOf(data)).sort((one, other) => one.start - other.start),
    reps: workout ? data.exercise_steps.flatMap((step) => step.rep_events ?? []) : [],
  };
}

function momentsOf(data) {
  return data.highlights.map((item) => ({
    start: item.start_timestamp,
    end: item.end_timestamp,
    name: `Moment ${item.rank}`,
    short: String(item.rank),
    score: item.significance_score,
    still: item.thumbnail_url ?? null,
    weak: item.below_threshold,
    hue: 0,
    text: `significance ${item.significance_score.toFixed(1)} of 10`,
    item,
  }));
}

function setsOf(data) {
  const names = [...new Set(data.exercise_steps.map((step) => step.exercise_name))];
  return data.exercise_steps.map((item) => ({
    start: item.start_timestamp,
    end: item.end_timestamp,
    name: `${item.exercise_name}, set ${item.set_index}`,
    short: shortReps(item),
    score: null,
    still: item.thumbnail_url ?? null,
    weak: item.method === 'none',
    hue: names.indexOf(item.exercise_name) % HUES,
    text: repsInWords(item),
    item,
  }));
}

function shortReps({ reps, method }) {
  if (reps !== null) return `×${reps}`;
  return method === 'hold' ? 'hold' : '?';
}

/** "10 reps", "a hold", "not counted (8 to 12)": an honest count, or the honest lack of one. */
export function repsInWords({ reps, reps_range: range, method, count_unit: unit, duration }) {
  if (method === 'hold') return `held ${Math.round(duration)} s`;
  if (reps === null) return range ? `not counted (${range[0]} to ${range[1]})` : 'not counted';
  const side = unit && unit !== 'reps' && unit !== 'rep' ? ` ${unit}` : '';
  return `${reps} ${reps === 1 ? 'rep' : 'reps'}${side}`;
}

/** The last thing of a list that holds this instant. */
export function at(list, time, start = 'start', end = 'end') {
  return list.findLast((one) => one[start] <= time && time < one[end]) ?? null;
}

/** Where one is, for whoever cannot see the timeline. */
export function placeInWords(model, time) {
  const here = at(model.spans, time);
  if (here) return `${here.name}, ${span(here.start, here.end)}, ${here.text}`;
  return at(model.rests, time, 'start_timestamp', 'end_timestamp') ? 'rest' : `between ${model.what}s`;
}
