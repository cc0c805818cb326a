// Times use the server's clock: phone clocks are wrong by minutes.
const english = document.documentElement.lang === 'en';
export const t = (id, en) => (english ? en : id);
export const number = new Intl.NumberFormat(english ? 'en-GB' : 'id-ID');
let ahead = 0;
const now = () => Date.now() + ahead;

/** Sets the clock from the server time in the page. */
export function setClock(at) {
  ahead = Date.parse(at ?? '') - Date.now() || ahead;
}
setClock(document.documentElement.dataset.now);

/** The remaining time in its two largest units, worded as on the server's pages. */
function timeLeft(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return t(`${days} hari ${hours} jam`, `${days} d ${hours} h`);
  if (hours > 0) return t(`${hours} jam ${minutes} menit`, `${hours} h ${minutes} min`);
  if (minutes > 0)
    return t(`${minutes} menit ${seconds % 60} detik`, `${minutes} min ${seconds % 60} s`);
  return t(`${seconds} detik`, `${seconds} s`);
}

export function tick() {
  for (const time of document.querySelectorAll('[data-countdown]')) {
    const left = timeLeft(Date.parse(time.dateTime) - now());
    if (time.textContent !== left) time.textContent = left;
  }
  for (const time of document.querySelectorAll('[data-ago]')) {
    const words = ago(Date.parse(time.dateTime));
    if (time.textContent !== words) time.textContent = words;
  }
}
setInterval(tick, 1000);

const relative = new Intl.RelativeTimeFormat(english ? 'en-GB' : 'id-ID');
const units = { day: 86400, hour: 3600, minute: 60, second: 1 };

/** The elapsed time in its largest unit, worded as on the server's pages. */
export function ago(at) {
  const seconds = Math.max(0, Math.round((now() - at) / 1000));
  const [unit, length] = Object.entries(units).find(([, size]) => seconds >= size) ?? ['second', 1];
  return relative.format(-Math.trunc(seconds / length), unit);
}

/** Adds the device's local time to times that are given in WIB. */
export function localMoments() {
  for (const time of document.querySelectorAll('time[data-local]')) {
    time.removeAttribute('data-local');
    const at = new Date(time.dateTime);
    const wib = -7 * 60 === at.getTimezoneOffset();
    if (wib) continue;
    const own = at.toLocaleString(english ? 'en-GB' : 'id-ID', {
      dateStyle: 'medium',
      timeStyle: 'short',
    });
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const note = document.createElement('span');
    note.className = 'quiet local-time';
    note.textContent = `${t('di tempatmu', 'your time')}: ${own} (${zone})`;
    time.after(' ', note);
  }
}
