// Times are computed with the server's clock, because the clocks of phones can be wrong by minutes.
const { lang } = document.documentElement;
const locales = [lang === 'en' ? 'en-GB' : lang, 'id-ID'];
const plural = new Intl.PluralRules(locales);
export const number = new Intl.NumberFormat(locales);

/** Returns the text of a message in the language of the page, as src/web/script-messages.ts. */
export function t(name, values = {}) {
  const message = messages[lang][name];
  const text = message.by ? (message[plural.select(values[message.by])] ?? message.other) : message;
  return text.replace(/\{(\w+)\}/g, (_, key) =>
    typeof values[key] === 'number' ? number.format(values[key]) : values[key],
  );
}
let ahead = 0;
const now = () => Date.now() + ahead;

/** Sets the clock from the server time that the page contains. */
export function setClock(at) {
  ahead = Date.parse(at ?? '') - Date.now() || ahead;
}
setClock(document.documentElement.dataset.now);

/** Returns the remaining time in its two largest units, worded like the server's text. */
function timeLeft(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days > 0) return t('daysHours', { days, hours });
  if (hours > 0) return t('hoursMinutes', { hours, minutes });
  return minutes > 0
    ? t('minutesSeconds', { minutes, seconds: seconds % 60 })
    : t('seconds', { seconds });
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

const relative = new Intl.RelativeTimeFormat(locales);
const units = { day: 86400, hour: 3600, minute: 60, second: 1 };

/** Returns the elapsed time in its largest unit, worded like the server's text. */
export function ago(at) {
  const seconds = Math.max(0, Math.round((now() - at) / 1000));
  const [unit, length] = Object.entries(units).find(([, size]) => seconds >= size) ?? ['second', 1];
  return relative.format(-Math.trunc(seconds / length), unit);
}

/** Adds the time in the device's time zone to times that are shown in WIB. */
export function localMoments() {
  for (const time of document.querySelectorAll('time[data-local]')) {
    time.removeAttribute('data-local');
    const at = new Date(time.dateTime);
    const wib = -7 * 60 === at.getTimezoneOffset();
    if (wib) continue;
    const own = at.toLocaleString(locales, {
      dateStyle: 'medium',
      timeStyle: 'short',
    });
    const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const note = document.createElement('span');
    note.className = 'quiet local-time';
    note.textContent = t('localTime', { time: own, zone });
    time.after(' ', note);
  }
}
