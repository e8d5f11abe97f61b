/** What the service's slugs mean to a person, and what to do about them. */

const REFUSALS = {
  invalid_request: ['Something in the form is not right', 'Change it and try again.'],
  unsupported_video: ['This file cannot be read as a video', 'Choose another file, or export this one again as MP4.'],
  video_too_large: ['This video is more than the service takes', 'Make it shorter or smaller, then try again.'],
  upload_too_large: ['This file is too large', 'Compress or cut the video, then try again.'],
  queue_full: ['Too many videos wait already', 'Try again in a moment.'],
  rate_limited: ['Too many requests', 'Wait a moment, then try again.'],
  unauthorized: ['The service asks for a key', 'Whoever runs it can give you one.'],
  draining: ['The service is about to restart', 'Try again in a few seconds.'],
  store_unavailable: ['The service cannot reach its store', 'Try again in a few seconds.'],
  insufficient_storage: ['The service’s disk is full', 'Delete videos you no longer need, or try again later.'],
  storage_unavailable: ['The service cannot reach its store for files', 'Try again in a few seconds.'],
  session_expired: ['This result has expired', 'Upload the video again to see it anew.'],
  session_not_found: ['This video is not there', 'Upload it to analyse it.'],
  network: ['The service cannot be reached', 'See whether it runs and whether you are online, then try again.'],
};

const FAILURES = {
  decoder_crashed: 'The video may be damaged. Exporting it again as MP4 often helps.',
  decode_timeout: 'The video took too long to read. A shorter or smaller one may work.',
  out_of_memory: 'There was not enough memory for it. A smaller video may work.',
  insufficient_storage: 'The service’s disk is full. Delete videos you no longer need, then try again.',
  storage_unavailable: 'The service’s store for files was away for too long. Upload it once more.',
  too_many_attempts: 'The service was stopped in the middle of it again and again. Upload it once more.',
  stalled: 'The work stood still and was given up. Upload it once more.',
  vision_unreachable: 'The model’s server does not answer. Try again later.',
};

/** {title, text, advice} of an error: one of the client's, or a fault of this page. */
export function refused(error) {
  const [title, advice] = REFUSALS[error.reason] ?? ['That did not work', 'Try again in a moment.'];
  const wrong = (error.details ?? []).map(({ loc, msg }) => `${loc.join(' ')}: ${msg}`).join('; ');
  const said = wrong || error.message;
  const number = error.requestId ? ` (request ${error.requestId.slice(0, 8)})` : '';
  return { title, text: said === title ? '' : sentence(said), advice: error.code >= 500 ? advice + number : advice };
}

/** With an end, so that another may follow. */
export function sentence(text) {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** What may help after an analysis that failed for this reason. */
export function afterFailure(reason) {
  return FAILURES[reason] ?? 'Try it once more; if it fails again, the service’s log says why.';
}

export const STATUSES = {
  uploading: 'Sending',
  queued: 'Waiting',
  processing: 'Working',
  completed: 'Ready',
  failed: 'Failed',
  cancelled: 'Cancelled',
  expired: 'Expired',
  deleted: 'Gone',
};

/** The stages a person watches, in order. */
export const STAGES = [
  ['queued', 'Wait'],
  ['scanning', 'Scan'],
  ['rating', 'Rate'],
  ['describing', 'Describe'],
  ['rendering', 'Render'],
];

export const SIGNALS = {
  motion: ['Motion', 'movement left after the camera’s own is taken out'],
  loudness: ['Loudness', 'how loud it is'],
  novelty: ['Novelty', 'how unlike the rest of the video it looks'],
  presence: ['Presence', 'somebody or something before a camera that stands still'],
};

/** Who looked, and what that means: {name, text}. */
export function analyzer({ analyzer: by, eyes_coverage: seen }) {
  if (by.name === 'signals') {
    return {
      name: 'Measured signals, no model',
      text:
        'Motion, sound, novelty and cuts were measured over every second. Nobody looked at what is shown: ' +
        'a loud bang counts, a quiet meaning does not.',
    };
  }
  const where = [by.device, by.dtype].filter(Boolean).join(', ');
  const share = seen === null || seen === undefined ? '' : ` It looked at ${Math.round(seen * 100)} % of the video.`;
  return {
    name: by.model ?? by.name,
    text:
      'Motion, sound, novelty and cuts were measured over every second, and chose what is worth a look. ' +
      `${by.name === 'remote' ? 'A vision server' : 'SmolVLM2'} rated and described that${where ? ` (${where})` : ''}.${share}`,
  };
}

/** What the health of the service says about who will look, for the start. */
export function looksWith({ eyes }) {
  return `Motion, sound, novelty and cuts are measured over every second.${eyes ? ` ${eyes}.` : ''}`;
}
