import { setClock, t } from './times.js';

export const root = document.documentElement;
export let visits = 0;
/** Fires an event after a part of the page was swapped in. */
export const arrived = () => document.dispatchEvent(new Event('arrived'));
export const main = () => document.querySelector('main');
export const read = (text) => new DOMParser().parseFromString(text, 'text/html');
export const isSending = () => document.querySelector('form[data-sending]') !== null;
const addressOf = ({ pathname, search }) => pathname + search;
/** The URL of the current page; a link to a fragment of it is not navigation. */
let shown = addressOf(location);

/**
 * Swaps in the content of another page. The URL changes too, except for the response to a form,
 * which has no URL of its own.
 */
export async function visit(url, { method = 'get', body, isTheme = false } = {}) {
  const mine = ++visits;
  main().setAttribute('aria-busy', 'true');
  try {
    const response = await fetch(url, {
      ...(body ? { method, body } : {}),
      headers: { accept: 'text/html' },
    });
    if (!response.headers.get('content-type')?.startsWith('text/html')) {
      location.assign(response.url);
      return;
    }
    const next = read(await response.text());
    // A newer request was started meanwhile.
    if (mine !== visits) return;
    if (isTheme && response.ok) return dress(next);
    const { lang, dataset } = next.documentElement;
    const isAnswer = method === 'post' && !response.redirected;
    if (!isAnswer && (lang !== root.lang || dataset.theme !== root.dataset.theme)) {
      location.assign(response.url);
      return;
    }
    const to = new URL(isAnswer ? location.href : response.url);
    const samePlace = to.pathname === location.pathname;
    if (!isAnswer) history[samePlace ? 'replaceState' : 'pushState'](null, '', to);
    shown = addressOf(location);
    document.title = next.title;
    root.dataset.page = dataset.page ?? addressOf(to);
    for (const part of ['header.top', 'main', 'footer.foot']) {
      document.querySelector(part).replaceWith(next.querySelector(part));
    }
    setClock(dataset.now);
    arrived();
    const first = document.querySelector('[aria-invalid="true"]') ?? main();
    first.focus({ preventScroll: samePlace && first.tagName === 'MAIN' });
    if (!samePlace) scrollTo(0, 0);
  } catch {
    if (mine === visits) offline();
  } finally {
    main().removeAttribute('aria-busy');
  }
}

/** Only the theme changes; the content stays. */
function dress(next) {
  const { theme } = next.documentElement.dataset;
  if (theme === undefined) delete root.dataset.theme;
  else root.dataset.theme = theme;
  const [mine, other] = [document, next].map((one) => one.querySelector('[name=color-scheme]'));
  mine.content = other.content;
  document.querySelector('footer.foot').replaceWith(next.querySelector('footer.foot'));
  document.querySelector('.themes [aria-pressed=true]')?.focus({ preventScroll: true });
}

function offline() {
  main().querySelector('.offline')?.remove();
  say(main(), 'bad offline', 'alert', t('offline'));
  main().scrollIntoView();
}

/** Inserts a notice at the top of a part of the page. */
export function say(place, look, role, ...words) {
  const note = document.createElement('div');
  note.className = `notice ${look}`;
  note.setAttribute('role', role);
  place.prepend(note);
  // Screen readers announce text that is inserted into an existing live region.
  requestAnimationFrame(() => note.append(...words));
}

addEventListener('popstate', () => {
  if (addressOf(location) !== shown) location.reload();
});
