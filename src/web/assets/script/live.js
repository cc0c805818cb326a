import { arrived, isSending, main, read, root, say, visits } from './pages.js';
import { ago, number, t } from './times.js';

let stream;

/** Receives the events of the campaign on this page while the page is visible. */
export function follow() {
  stream?.close();
  stream = undefined;
  const place = document.querySelector('[data-events]');
  if (!place || document.hidden) return;
  stream = new EventSource(place.dataset.events);
  stream.addEventListener('progress', (event) => {
    const progress = JSON.parse(event.data);
    show(place, progress);
    if (progress.status !== place.dataset.status) refreshLater();
  });
  stream.addEventListener('contributions', (event) => {
    contributed(place, JSON.parse(event.data).contributions);
  });
}

/**
 * Replaces the list of recent joins. Screen readers do not announce it, because the many joins of a
 * busy campaign would interrupt all other announcements.
 */
function contributed(place, contributions) {
  const part = place.querySelector('[data-contributions]');
  if (!part) return;
  const item = ({ initial, quantity, joined_at: at }) => {
    const one = document.createElement('li');
    const [avatar, words, time] = ['span', 'span', 'time'].map((name) =>
      one.appendChild(document.createElement(name)),
    );
    avatar.className = 'avatar';
    avatar.setAttribute('aria-hidden', 'true');
    avatar.textContent = initial ?? '·';
    const name = words.appendChild(document.createElement('strong'));
    name.textContent = `${initial ?? ''}•••`;
    words.append(` · ${t('slots', { count: quantity })}`);
    time.className = 'quiet';
    time.dateTime = new Date(at).toISOString();
    time.dataset.ago = '';
    time.textContent = ago(Date.parse(at));
    return one;
  };
  part.querySelector('ul').replaceChildren(...contributions.map(item));
  part.hidden = contributions.length === 0;
}

/**
 * Reloads the page after a random delay, so that not all viewers reload at once. Tries again if
 * there is no answer.
 */
function refreshLater(tries = 0) {
  stream?.close();
  stream = undefined;
  const at = visits;
  setTimeout(
    async () => {
      // The user has opened another page in the meantime or is about to.
      if (at !== visits) return;
      if (isSending() || !(await refresh())) refreshLater(Math.min(tries + 1, 5));
    },
    Math.random() * 1000 + (2 ** tries - 1) * 1000,
  );
}

/**
 * Loads this page again and replaces its changed parts. A part with a form that the user is filling
 * in stays as it is. Returns true if the request succeeded.
 */
async function refresh() {
  const at = visits;
  try {
    const response = await fetch(root.dataset.page, { headers: { accept: 'text/html' } });
    if (!response.ok || response.redirected) return false;
    const next = read(await response.text());
    if (at !== visits) return true;
    document.title = next.title;
    for (const part of document.querySelectorAll('main [data-part]')) {
      const other = next.querySelector(`main [data-part="${part.dataset.part}"]`);
      if (other) renew(part, other);
    }
    const [place, other] = [document, next].map((one) => one.querySelector('main [data-status]'));
    if (place && other) {
      place.dataset.status = other.dataset.status;
      if (other.dataset.events === undefined) delete place.dataset.events;
    }
    arrived();
    return true;
  } catch {
    return false;
  }
}

function renew(part, other) {
  if (isInUse(part)) return warn(part, other);
  const open = [...part.querySelectorAll('details')].map((one) => one.open);
  for (const [index, one] of other.querySelectorAll('details').entries()) one.open ||= open[index];
  const focus = [...part.querySelectorAll(focusable)].indexOf(document.activeElement);
  part.replaceWith(other);
  if (focus >= 0)
    (other.querySelectorAll(focusable)[focus] ?? main()).focus({ preventScroll: true });
}
const focusable = 'a[href], button, summary, input, select, textarea';

/**
 * Returns true if a form in this part is in use: the user is typing or has typed in it, or it shows
 * an error.
 */
function isInUse(part) {
  const at = document.activeElement;
  if (part.contains(at) && at.matches('input, select, textarea')) return true;
  const forms = [...part.querySelectorAll('form')];
  const isAnswer = main().dataset.answer !== undefined;
  return forms.some(
    (form) => isAnswer || form.dataset.kept !== undefined || [...form.elements].some(isChanged),
  );
}

function isChanged(control) {
  const { type } = control;
  if (type === 'checkbox' || type === 'radio') return control.checked !== control.defaultChecked;
  if (type === 'file') return control.files.length > 0;
  if (type === 'select-one') {
    const first = [...control.options].find((one) => one.defaultSelected) ?? control.options[0];
    return control.selectedOptions[0] !== first;
  }
  return /^(text|number|email|search|tel|url|datetime-local|date|textarea)/.test(type)
    ? control.value !== control.defaultValue
    : false;
}

/** Shows a warning above a form in use if the form can no longer be sent. */
function warn(part, other) {
  part.querySelector('.stale')?.remove();
  const actions = [...other.querySelectorAll('form')].map((one) => one.getAttribute('action'));
  const gone = [...part.querySelectorAll('form')].some(
    (one) => !actions.includes(one.getAttribute('action')),
  );
  if (!gone) return;
  const link = document.createElement('a');
  link.href = root.dataset.page;
  link.textContent = t('reload');
  say(part, 'busy stale', 'status', `${t('stale')} `, link);
}

function show(place, progress) {
  const { total_slots: total, filled_slots: taken, available_slots: left } = progress;
  const exact = (taken / total) * 100;
  const percent =
    taken === total ? 100 : taken === 0 ? 0 : Math.min(99, Math.max(1, Math.floor(exact)));
  const words = {
    percent: `${percent}%`,
    taken: t('slotsTaken', { taken, total }),
    left: number.format(left),
    people: number.format(progress.participant_count),
  };
  for (const bar of place.querySelectorAll('progress')) {
    bar.value = taken;
    bar.setAttribute('aria-label', words.taken);
  }
  for (const [name, text] of Object.entries(words)) {
    for (const one of place.querySelectorAll(`[data-live="${name}"]`)) one.textContent = text;
  }
  for (const one of place.querySelectorAll('[data-most]')) {
    if (left > 0) one.min = Math.min(Number(one.dataset.least) || 1, left);
    one.max = Math.max(Number(one.min) || 1, Math.min(Number(one.dataset.most) || left, left));
  }
}
