import { setClock, t } from './times.js';

export const root = document.documentElement;
export let visits = 0;
/** Fires an event after a part of the page was replaced. */
export const arrived = () => document.dispatchEvent(new Event('arrived'));
export const main = () => document.querySelector('main');
export const read = (text) => new DOMParser().parseFromString(text, 'text/html');
export const isSending = () => document.querySelector('form[data-sending]') !== null;
const addressOf = ({ pathname, search }) => pathname + search;
/**
 * The URL of the current page without a fragment. A link to a fragment of the same page does not
 * load a page.
 */
let shown = addressOf(location);

/**
 * Loads another page and replaces the content of the current one. The URL in the browser changes
 * too, except for the response to a form, because that response has no page of its own.
 */
export async function visit(url, { method = 'get', body, isTheme = false } = {}) {
  const mine = ++visits;
  main().setAttribute('aria-busy', 'true');
  try {
    const response = await request(url, body ? { method, body } : {}, () => mine === visits);
    if (!response) return;
    if (!response.headers.get('content-type')?.startsWith('text/html')) {
      location.assign(response.url);
      return;
    }
    const next = read(await response.text());
    // Another page was requested in the meantime, so this response is no longer needed.
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
    if (mine === visits) main().querySelector('.waiting')?.remove();
    main().removeAttribute('aria-busy');
  }
}

/**
 * Sends a request. While the service is overloaded, waits and sends the same request again, so that
 * what was typed stays on the page. Returns nothing if the user has requested something else.
 */
async function request(url, options, isWanted) {
  for (;;) {
    const response = await fetch(url, { ...options, headers: { accept: 'text/html' } });
    // A request that was rejected unread has no id.
    const isRejected = response.status === 503 && response.headers.get('x-request-id') === 'none';
    if (!isRejected) return response;
    if (!isWanted()) return;
    if (!main().querySelector('.waiting')) {
      say(main(), 'busy waiting', 'status', t(options.body ? 'waitingForm' : 'waitingPage'));
      main().removeAttribute('aria-busy');
      main().scrollIntoView();
    }
    const seconds = Math.max(3, Number(response.headers.get('retry-after'))) + 3 * Math.random();
    await new Promise((later) => setTimeout(later, seconds * 1000));
    if (!isWanted()) return;
  }
}

/** Applies the new theme. The content of the page stays. */
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
  // The text is inserted later than the notice, because screen readers announce text only if it is
  // inserted into an existing live region.
  requestAnimationFrame(() => note.append(...words));
}

addEventListener('popstate', () => {
  if (addressOf(location) !== shown) location.reload();
});
