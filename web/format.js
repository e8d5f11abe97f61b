/** Numbers as people read them. */

/** 75.4 → "1:15"; with `tenths` "1:15.4". */
export function clock(seconds, tenths = false) {
  const unit = tenths ? 10 : 1;
  const whole = Math.max(0, Math.floor(seconds * unit + 1e-6));
  const sixty = Math.floor(whole / unit);
  const hours = Math.floor(sixty / 3600);
  const minutes = Math.floor((sixty % 3600) / 60);
  const tail = String(sixty % 60).padStart(2, '0') + (tenths ? `.${whole % 10}` : '');
  return hours ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}

/** For those who listen: 75.4 → "1 minute 15 seconds". */
export function spoken(seconds) {
  const whole = Math.round(seconds);
  const minutes = Math.floor(whole / 60);
  const parts = [minutes && many(minutes, 'minute'), (whole % 60 || !minutes) && many(whole % 60, 'second')];
  return parts.filter(Boolean).join(' ');
}

export function span(start, end) {
  const tenths = end - start < 20;
  return `${clock(start, tenths)} – ${clock(end, tenths)}`;
}

/** How long something may still take, no more exact than it is known. */
export function timeLeft(seconds) {
  if (seconds < 1.5) return 'a moment left';
  if (seconds < 60) return `about ${Math.round(seconds)} s left`;
  if (seconds < 3600) return `about ${Math.round(seconds / 60)} min left`;
  return `about ${(seconds / 3600).toFixed(1)} h left`;
}

export function bytes(count) {
  if (count < 1000) return `${count} B`;
  const power = Math.min(3, Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** power;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${['B', 'kB', 'MB', 'GB'][power]}`;
}

export function many(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

export function percent(share) {
  return `${Math.round(share * 100)} %`;
}

/** When, as one says it today: "14:05", else "12 Nov". */
export function when(instant) {
  const date = new Date(instant);
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString(undefined, today ? { hour: '2-digit', minute: '2-digit' } : { day: 'numeric', month: 'short' });
}
