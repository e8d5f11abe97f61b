/** What can be taken along: files, the result as JSON, and the same by curl. */

import { announce, h, icon } from './dom.js';
import { key } from './key.js';
import { sessions } from './sessions.js';

const EXPORTS = { vtt_url: 'WebVTT chapters', csv_url: 'CSV table', edl_url: 'EDL for editors' };

export function makeShare({ id, data, params, fileUrl }) {
  const files = Object.entries({ ...data.exports, contact_sheet_url: data.contact_sheet_url }).filter(([, url]) => url);
  const names = { ...EXPORTS, contact_sheet_url: 'Contact sheet' };
  const json = () => JSON.stringify(data, null, 2);
  return h(
    'section',
    { class: 'share', 'aria-labelledby': 'share-title' },
    h('h2', { id: 'share-title' }, 'Take it along'),
    h(
      'div',
      { class: 'share-actions' },
      files.map(([name, url]) => h('a', { class: 'button small', href: fileUrl(url), download: '' }, icon('download'), names[name] ?? name)),
      h('button', { class: 'button small', type: 'button', onclick: () => save(json(), `${data.video.filename}.json`) }, icon('download'), 'JSON'),
      copyButton('Copy JSON', json),
      copyButton('Copy curl', () => curl(id, data, params)),
    ),
  );
}

/** The same analysis from a shell. */
export function curl(id, data, params) {
  const api = `${location.origin}/api/v1/video`;
  const type = data.exercise_steps ? 'workout' : 'highlights';
  const wanted = Object.keys(params).length ? ` -F ${quoted(`params=${JSON.stringify(params)}`)}` : '';
  const token = sessions.get(id)?.token;
  // Whoever may see a key, a clipboard is no place for it.
  const own = key.text ? ' -H "X-API-Key: $API_KEY"' : '';
  const proof = !own && token ? ` -H ${quoted(`X-Session-Token: ${token}`)}` : own;
  return [
    `curl ${api}/upload${own} -F analysis_type=${type}${wanted} -F ${quoted(`video=@${data.video.filename}`)}`,
    `curl ${api}/status/${id}${proof}`,
    `curl ${api}/results/${id}${proof}`,
    '',
  ].join('\n');
}

/** As one word of a shell, whatever is in it. */
function quoted(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function copyButton(name, text) {
  const words = h('span', {}, name);
  const button = h('button', { class: 'button small', type: 'button' }, icon('copy'), words);
  button.addEventListener('click', async () => {
    const done = await copied(text());
    words.textContent = done ? 'Copied' : 'Not allowed';
    announce(done ? 'Copied' : 'The browser does not allow copying');
    setTimeout(() => {
      words.textContent = name;
    }, 1600);
  });
  return button;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Only pages that came encrypted, or from this machine, have a clipboard: the old way may still do.
    const area = h('textarea', { class: 'unseen' }, text);
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

function save(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
