/** The start: pick a video, say what to look for, send it, and see how far the sending is. */

import { announce, byId, h, icon, setStyle } from './dom.js';
import { bytes, timeLeft } from './format.js';
import { key } from './key.js';
import { optionFields, readOptions } from './options.js';
import { uploads } from './uploads.js';
import { looksWith, refused } from './words.js';

const SILENCE_MS = 8_000; // without a byte that went out
const INVITATION = 'Drop a video here, or choose one';
const HINT = byId('drop-hint').textContent;

/** Make the form work; `opened` is called with a session's id once its video has arrived. */
export function makeStart(api, opened) {
  const form = byId('start');
  let file = null;

  const choose = (chosen) => {
    file = chosen ?? null;
    showChosen(file);
  };
  const type = () => form.elements.analysis.value;
  const send = async (video) => {
    const { params, wrong } = readOptions(type(), form);
    if (wrong) {
      complain(wrong);
      return;
    }
    byId('refusal').replaceChildren();
    if (await key.isMissing()) {
      key.ask();
      return;
    }
    try {
      const id = await uploads.send(api, video, type(), params);
      choose(null);
      byId('file').value = '';
      opened(id);
    } catch (error) {
      key.note(error);
      if (error.reason !== 'aborted') refuse(refused(error));
    }
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (file) send(file);
    else refuse({ title: 'No video yet', text: 'Choose a video first,', advice: 'or try it with the sample.' });
  });
  byId('sample').addEventListener('click', () => fetchSample().then((sample) => sample && !uploads.current && send(sample)));
  byId('file').addEventListener('change', (event) => event.target.files.length && choose(event.target.files[0]));
  takeDrops(choose);
  offerOptions(form, type);
  uploads.addEventListener('change', drawUpload);
  tellWhoLooks();
}

function showChosen(file) {
  byId('drop').classList.toggle('is-chosen', file !== null);
  byId('drop-title').textContent = file ? file.name : INVITATION;
  byId('drop-hint').textContent = file ? `${bytes(file.size)} · choose another` : HINT;
  byId('refusal').replaceChildren();
}

/** The options of the analysis that is chosen, changing with it. */
function offerOptions(form, type) {
  const show = () => byId('options').replaceChildren(...optionFields(type()));
  form.elements.analysis.forEach((radio) => radio.addEventListener('change', show));
  show();
}

async function fetchSample() {
  const button = byId('sample');
  button.disabled = true;
  button.textContent = 'Drawing a sample …';
  try {
    const answer = await fetch('sample.mp4');
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return new File([await answer.blob()], 'sample.mp4', { type: 'video/mp4' });
  } catch {
    refuse({ title: 'The sample could not be had', text: 'The service did not draw it.', advice: 'Try again in a moment.' });
    return null;
  } finally {
    button.disabled = false;
    button.textContent = 'Try it with a sample';
  }
}

/** Say what is wrong, and go there. */
function refuse({ title, text, advice }) {
  const words = h('p', {}, text, ' ', advice);
  const notice = h('div', { class: 'notice bad', role: 'alert', tabindex: '-1' }, icon('warning'), h('div', {}, h('strong', {}, title), words));
  byId('refusal').replaceChildren(notice);
  notice.focus();
}

function complain(control) {
  control.closest('details').open = true;
  control.reportValidity();
  control.focus();
}

/** A video may be dropped anywhere on the page while the form is shown. */
function takeDrops(choose) {
  const drop = byId('drop');
  let depth = 0;
  const carriesFiles = (event) => !byId('start').hidden && !uploads.current && event.dataTransfer?.types.includes('Files');
  addEventListener('dragenter', (event) => {
    if (!carriesFiles(event)) return;
    depth += 1;
    drop.classList.add('is-over');
  });
  addEventListener('dragleave', () => {
    depth = Math.max(0, depth - 1);
    if (!depth) drop.classList.remove('is-over');
  });
  addEventListener('dragover', (event) => carriesFiles(event) && event.preventDefault());
  addEventListener('drop', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    drop.classList.remove('is-over');
    if (event.dataTransfer.files.length) choose(event.dataTransfer.files[0]);
  });
}

let sending = null;

/** While a video is sent its progress stands where the form's buttons were. */
function drawUpload() {
  const form = byId('start');
  form.classList.toggle('is-sending', uploads.current !== null);
  form.querySelector('.kinds').disabled = uploads.current !== null;
  if (!uploads.current) {
    const inside = sending?.element.contains(document.activeElement);
    sending?.stop();
    sending = null;
    if (inside) byId('go').focus();
    return;
  }
  if (!sending) {
    sending = newSending();
    form.querySelector('.start-actions').after(sending.element);
    // Its own buttons are gone: whoever was on one of them goes on here.
    sending.element.focus({ preventScroll: true });
    announce(`Sending ${uploads.current.name}`);
  }
  sending.show(uploads.current.progress);
}

function newSending() {
  const fill = h('div', { class: 'bar-fill' });
  const bar = h('div', { class: 'bar', role: 'progressbar', 'aria-label': 'Sending', 'aria-valuemin': 0, 'aria-valuemax': 100 }, fill);
  const words = h('p', { class: 'sending-words' }, 'Sending …');
  const cancel = h('button', { class: 'button', type: 'button', onclick: () => uploads.cancel() }, 'Cancel');
  let silence;
  const show = (progress) => {
    if (!progress) return;
    clearTimeout(silence);
    const { sentBytes, totalBytes, bytesPerSecond, secondsLeft } = progress;
    const share = totalBytes ? sentBytes / totalBytes : 1;
    setStyle(fill, { width: `${share * 100}%` });
    bar.setAttribute('aria-valuenow', String(Math.round(share * 100)));
    const parts = [`${bytes(sentBytes)} of ${bytes(totalBytes)}`];
    if (bytesPerSecond) parts.push(`${bytes(bytesPerSecond)} a second`);
    if (secondsLeft !== null) parts.push(timeLeft(secondsLeft));
    words.textContent = share < 1 ? parts.join(' · ') : 'Sent. The service looks whether it is a video it can read …';
    if (share < 1) silence = setTimeout(() => (words.textContent = `${parts[0]} · nothing gets through at present`), SILENCE_MS);
  };
  const element = h('div', { class: 'sending card', role: 'group', 'aria-label': 'Sending the video', tabindex: '-1' }, bar, h('div', { class: 'sending-row' }, words, cancel));
  const stop = () => {
    clearTimeout(silence);
    element.remove();
  };
  return { element, show, stop };
}

/** Before anything is sent: does a model look, or do signals alone? */
async function tellWhoLooks() {
  try {
    byId('looks').textContent = looksWith(await key.health);
  } catch {
    byId('looks').textContent = '';
  }
}
