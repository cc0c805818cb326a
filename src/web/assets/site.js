// What pages gain by a script; without it every form and link works all the same.
// Times are counted by the server's clock: phones' clocks are wrong by minutes.
const english = document.documentElement.lang === 'en';
const t = (id, en) => (english ? en : id);
const number = new Intl.NumberFormat(english ? 'en-GB' : 'id-ID');
let ahead = Date.parse(document.documentElement.dataset.now ?? '') - Date.now() || 0;
const now = () => Date.now() + ahead;

/** The two largest units that are left, in the words of the server's pages. */
function timeLeft(milliseconds) {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (seconds === 0) return t('waktu habis', 'time is up');
  if (days > 0) return t(`${days} hari ${hours} jam`, `${days} d ${hours} h`);
  if (hours > 0) return t(`${hours} jam ${minutes} menit`, `${hours} h ${minutes} min`);
  if (minutes > 0)
    return t(`${minutes} menit ${seconds % 60} detik`, `${minutes} min ${seconds % 60} s`);
  return t(`${seconds} detik`, `${seconds} s`);
}

function tick() {
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

/** How long ago in its largest unit, in the words of the server's pages. */
function ago(at) {
  const seconds = Math.max(0, Math.round((now() - at) / 1000));
  const [unit, length] = Object.entries(units).find(([, size]) => seconds >= size) ?? ['second', 1];
  return relative.format(-Math.trunc(seconds / length), unit);
}

/** Adds the device's own time to moments that are told in WIB. */
function localMoments() {
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
    note.textContent = `${t('di tempatmu', 'where you are')}: ${own} (${zone})`;
    time.after(' ', note);
  }
}

let stream;

/** Follows the campaign of this page, as long as somebody looks at it. */
function follow() {
  stream?.close();
  stream = undefined;
  const place = document.querySelector('[data-events]');
  if (!place || document.hidden) return;
  const status = place.dataset.status;
  stream = new EventSource(place.dataset.events);
  stream.addEventListener('progress', (event) => {
    const progress = JSON.parse(event.data);
    show(place, progress);
    if (progress.status !== status) later(() => visit(location.href, { replace: true }));
  });
  stream.addEventListener('contributions', (event) => {
    contributed(place, JSON.parse(event.data).contributions);
  });
}

/**
 * Puts those who joined last in the place of those before. Nothing reads it out by itself: who
 * listens to the page would hear of nothing else.
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
    const slots = t('slot', quantity === 1 ? 'slot' : 'slots');
    words.append(` · ${number.format(quantity)} ${slots}`);
    time.className = 'quiet';
    time.dateTime = new Date(at).toISOString();
    time.dataset.ago = '';
    time.textContent = ago(Date.parse(at));
    return one;
  };
  part.querySelector('ul').replaceChildren(...contributions.map(item));
  part.hidden = contributions.length === 0;
}

/** Not everybody who watches at the same moment; and nobody who is sending something. */
function later(look) {
  stream?.close();
  stream = undefined;
  setTimeout(() => {
    if (!document.querySelector('form[data-sending]')) void look();
  }, Math.random() * 1000);
}

function show(place, progress) {
  const { total_slots: total, filled_slots: taken, available_slots: left } = progress;
  const exact = (taken / total) * 100;
  const percent =
    taken === total ? 100 : taken === 0 ? 0 : Math.min(99, Math.max(1, Math.floor(exact)));
  const words = {
    percent: `${percent}%`,
    taken: t(
      `${number.format(taken)} dari ${number.format(total)} slot terisi`,
      `${number.format(taken)} of ${number.format(total)} slots taken`,
    ),
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

let visits = 0;

/** Puts another page's content in the place of this one's. */
async function visit(url, { method = 'get', body, replace = false } = {}) {
  const mine = ++visits;
  if (!replace) document.querySelector('main').setAttribute('aria-busy', 'true');
  try {
    const response = await fetch(url, {
      ...(body ? { method, body } : {}),
      headers: { accept: 'text/html' },
    });
    if (!response.headers.get('content-type')?.startsWith('text/html')) {
      location.assign(response.url);
      return;
    }
    // Something newer was asked for meanwhile.
    if (mine !== visits) return;
    const next = new DOMParser().parseFromString(await response.text(), 'text/html');
    const sameLook = next.documentElement.dataset.theme === document.documentElement.dataset.theme;
    if (next.documentElement.lang !== document.documentElement.lang || !sameLook) {
      location.assign(response.url);
      return;
    }
    const samePlace = new URL(response.url).pathname === location.pathname;
    if (replace || samePlace) history.replaceState(null, '', response.url);
    else history.pushState(null, '', response.url);
    document.title = next.title;
    document.querySelector('header.top').replaceWith(next.querySelector('header.top'));
    document.querySelector('main').replaceWith(next.querySelector('main'));
    ahead = Date.parse(next.documentElement.dataset.now ?? '') - Date.now() || ahead;
    arrived();
    if (replace) return;
    const first = document.querySelector('[aria-invalid="true"]') ?? document.querySelector('main');
    first.focus({ preventScroll: samePlace && first.tagName === 'MAIN' });
    if (!samePlace) scrollTo(0, 0);
  } catch {
    if (mine !== visits || replace) return;
    const main = document.querySelector('main');
    main.removeAttribute('aria-busy');
    offline(main);
  }
}

function offline(main) {
  main.querySelector('.notice.offline')?.remove();
  const note = document.createElement('div');
  note.className = 'notice bad offline';
  note.setAttribute('role', 'alert');
  note.textContent = t(
    'Koneksi terputus. Periksa internetmu, lalu coba lagi. Kalau tadi sudah terkirim, tidak akan dihitung dua kali.',
    'You are offline. Check your connection and try again. If it was sent already, it will not count twice.',
  );
  main.prepend(note);
}

// Forms that send something, each once: a second tap while the first is under way is not sent.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.dataset.plain !== undefined || event.defaultPrevented) return;
  const send = event.submitter;
  const action = send?.getAttribute('formaction') ?? form.getAttribute('action') ?? location.href;
  event.preventDefault();
  if (form.dataset.sending !== undefined) return;
  form.dataset.sending = '';
  const data = new FormData(form, send);
  const url = new URL(action, location.href);
  const post = form.method === 'post';
  if (!post) url.search = new URLSearchParams(data).toString();
  const multipart = form.enctype === 'multipart/form-data';
  const body = post ? (multipart ? data : new URLSearchParams(data)) : undefined;
  void visit(url.href, { method: post ? 'post' : 'get', body }).finally(
    () => delete form.dataset.sending,
  );
});

document.addEventListener('click', (event) => {
  const stepper = event.target.closest('[data-step]');
  if (stepper) step(stepper);
  const copy = event.target.closest('[data-copy]');
  if (copy) void copied(copy);
  const share = event.target.closest('[data-share]');
  if (share)
    void navigator.share({ title: document.title, url: share.dataset.share }).catch(() => {});
  if (event.target.closest('[data-print]')) print();
});

/** The buttons beside a number of slots. */
function step(button) {
  const field = document.getElementById(button.dataset.for);
  const value = Number(field.value || field.min) + Number(button.dataset.step);
  const most = field.max === '' ? Infinity : Number(field.max);
  field.value = String(Math.min(most, Math.max(Number(field.min) || 1, value)));
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

// What the chosen slots cost together.
document.addEventListener('input', ({ target }) => {
  const price = target.dataset?.price;
  const total = target.form?.querySelector('[data-total]');
  if (price === undefined || !total) return;
  const slots = Number(target.value);
  const known = Number.isInteger(slots) && slots > 0;
  total.textContent = known ? `Rp${number.format(BigInt(price) * BigInt(slots))}` : '–';
});

async function copied(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  const before = button.textContent;
  button.textContent = t('Tersalin', 'Copied');
  setTimeout(() => (button.textContent = before), 2000);
}

/** After every page, whether loaded or put in place. */
function arrived() {
  for (const one of document.querySelectorAll('[data-needs-script]')) {
    if (one.dataset.share !== undefined && !navigator.share) continue;
    one.hidden = false;
  }
  localMoments();
  tick();
  follow();
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) {
    stream?.close();
    stream = undefined;
  } else follow();
});
addEventListener('popstate', () => location.reload());
arrived();
