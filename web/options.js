/** The options of each analysis: what can be asked for, in which range, and what it does. */

import { h } from './dom.js';

const SEGMENT_HELP = 'How finely the timeline is described';

const FIELDS = {
  highlights: [
    { name: 'min_significance', label: 'At least this significant', kind: 'range', min: 1, max: 10, step: 0.5, value: 6, help: '1 is nothing, 10 is unmistakable' },
    { name: 'max_highlights', label: 'At most this many', kind: 'number', min: 1, max: 50, step: 1, value: 10, help: 'moments' },
    { name: 'query', label: 'Look for', kind: 'text', max: 500, value: '', help: 'such as “goals” or “the dog”; it takes a model to understand this' },
    { name: 'target_duration_seconds', label: 'Length of the reel', kind: 'number', min: 1, max: 3600, step: 1, value: '', help: 'seconds; empty for all moments in full' },
    { name: 'aspect', label: 'Shape of the reel', kind: 'choice', value: 'source', choices: { source: 'As the video', '16:9': '16:9 wide', '9:16': '9:16 tall', '1:1': '1:1 square' }, help: 'tall and square follow the motion' },
    { name: 'min_clip_seconds', label: 'Shortest moment', kind: 'number', min: 0.5, max: 60, step: 0.5, value: 1.5, help: 'seconds' },
    { name: 'max_clip_seconds', label: 'Longest moment', kind: 'number', min: 0.5, max: 120, step: 0.5, value: 8, help: 'seconds' },
    { name: 'segment_duration', label: 'Segments', kind: 'number', min: 2, max: 60, step: 1, value: 10, help: `seconds. ${SEGMENT_HELP}` },
    { name: 'reel', label: 'Make a reel', kind: 'check', value: true, help: 'One video of the moments, to play and to download' },
  ],
  workout: [
    { name: 'exercises', label: 'Exercises', kind: 'list', value: '', help: 'names to choose from, with commas between; a model is needed to tell them apart' },
    { name: 'user_prompt', label: 'Note for the model', kind: 'text', max: 2000, value: '', help: 'such as “an older man, rehabilitation”' },
    { name: 'segment_duration', label: 'Segments', kind: 'number', min: 2, max: 60, step: 1, value: 15, help: `seconds. ${SEGMENT_HELP}` },
  ],
};

/** The fields of an analysis, as they stand at first. */
export function optionFields(type) {
  return FIELDS[type].map((field) => {
    const id = `option-${field.name}`;
    const { control, shown } = CONTROLS[field.kind](field, id);
    const help = h('span', { class: 'help', id: `${id}-help` }, helpOf(field));
    const label = h('label', { for: id }, field.label);
    return h('div', { class: `option option-${field.kind}` }, label, h('div', { class: 'control' }, control, shown), help);
  });
}

/** What was chosen: {params, wrong}; `wrong` is the first control whose value cannot be sent, or null. */
export function readOptions(type, form) {
  const params = {};
  for (const field of FIELDS[type]) {
    const control = form.querySelector(`#option-${field.name}`);
    if (!control.checkValidity()) return { params, wrong: control };
    const value = VALUES[field.kind](control);
    // What is left as it is, is left to the service.
    if (value !== null && value !== field.value) params[field.name] = value;
  }
  return { params, wrong: null };
}

function helpOf({ kind, min, max, help }) {
  if (kind !== 'number') return help;
  return `${min} to ${max.toLocaleString('en')} ${help}`;
}

const number = (field, id) => {
  const { min, max, step, value } = field;
  return { control: h('input', { id, type: 'number', inputmode: 'decimal', min, max, step, value, 'aria-describedby': `${id}-help` }) };
};

const text = (field, id) => ({
  control: h('input', { id, type: 'text', maxlength: field.max, autocomplete: 'off', 'aria-describedby': `${id}-help` }),
});

const CONTROLS = {
  number,
  text,
  list: text,
  range(field, id) {
    const shown = h('output', { for: id }, String(field.value));
    const { min, max, step, value } = field;
    const tell = (event) => {
      shown.textContent = event.target.value;
    };
    const control = h('input', { id, type: 'range', min, max, step, value, 'aria-describedby': `${id}-help`, oninput: tell });
    return { control, shown };
  },
  choice(field, id) {
    const choices = Object.entries(field.choices).map(([value, name]) => h('option', { value }, name));
    return { control: h('select', { id, 'aria-describedby': `${id}-help` }, choices) };
  },
  check(field, id) {
    return { control: h('input', { id, type: 'checkbox', checked: field.value, 'aria-describedby': `${id}-help` }) };
  },
};

const VALUES = {
  number: (control) => (control.value === '' ? null : Number(control.value)),
  range: (control) => Number(control.value),
  text: (control) => control.value.trim() || null,
  choice: (control) => control.value,
  check: (control) => control.checked,
  list(control) {
    const names = control.value.split(',').map((name) => name.trim()).filter(Boolean);
    return names.length ? names : null;
  },
};
