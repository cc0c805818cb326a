import { unreachable, verifyLog } from './verify-log.js';

const form = document.querySelector('[data-verify]');
const area = form.querySelector('textarea');
const files = form.querySelector('input[type=file]');
const result = document.querySelector('[data-verify-result]');
const words = document.querySelector('[data-verify-words]').content;
const locale = document.documentElement.lang;

// What was downloaded stays in memory, so that receipts can be checked again without internet.
const memory = new Map();
let usedMemory;

const request = { credentials: 'omit', referrerPolicy: 'no-referrer', cache: 'no-store' };

/**
 * Downloads a public file, always anew, to see what the service shows now. No cookie is sent, so
 * the service does not learn who asks.
 */
async function read(path, log) {
  const url = log ? `/api/sambatan/campaigns/${log}/log/${path}` : `/.well-known/${path}`;
  const kept = memory.get(url);
  try {
    const answer = await fetch(url, request);
    if (answer.status === 404) return undefined;
    if (!answer.ok) throw unreachable();
    const bytes = new Uint8Array(await answer.arrayBuffer());
    memory.set(url, { bytes, at: new Date() });
    return bytes;
  } catch {
    if (!kept) throw unreachable();
    usedMemory = kept.at;
    return kept.bytes;
  }
}

const number = new Intl.NumberFormat(locale === 'en' ? 'en-GB' : [locale, 'id-ID']);
const formats = {
  paid: (value) => `Rp${number.format(value)}`,
  time: (value) =>
    new Date(value).toLocaleString(locale, { dateStyle: 'long', timeStyle: 'short' }),
  root: (value) => value,
};

/** Returns the element with a message, in which the values replace `{name}`. */
function wordsOf(word, values = {}) {
  const element = words.querySelector(`[data-word="${word}"]`).cloneNode(true);
  const format = (key) => (formats[word === 'money' ? 'paid' : key] ?? number.format)(values[key]);
  for (const node of [element, ...element.children]) {
    if (node.children.length > 0) continue;
    node.textContent = node.textContent.replace(/\{(\w+)\}/g, (_, key) => format(key));
  }
  return element;
}

function show(findings) {
  const looks = findings.map(({ look }) => look);
  const verdict = ['bad', 'busy', 'good'].find((look) => looks.includes(look));
  const title = wordsOf(verdict);
  const list = findings.flatMap(({ look, word, values }) => {
    const item = wordsOf(word, values);
    item.className = look === 'compare' ? 'quiet' : `notice ${look}`;
    if (look !== 'compare') return [item];
    const copy = wordsOf('copy');
    copy.dataset.copy = values.note;
    return [item, copy];
  });
  result.replaceChildren(title, ...list);
  result.focus({ preventScroll: true });
  result.scrollIntoView({ block: 'nearest' });
}

let run = 0;
async function verify() {
  const mine = ++run;
  const texts = [area.value, ...(await Promise.all([...files.files].map((file) => file.text())))];
  if (mine !== run) return;
  usedMemory = undefined;
  form.setAttribute('aria-busy', 'true');
  result.hidden = false;
  result.replaceChildren(wordsOf('checking'));
  const findings = await verifyLog(texts, read);
  if (mine !== run) return;
  form.removeAttribute('aria-busy');
  if (usedMemory) findings.push({ look: 'busy', word: 'fromMemory', values: { time: usedMemory } });
  show(findings);
}

form.addEventListener('submit', (event) => {
  event.preventDefault();
  void verify();
});

/** A link to this page has the receipt in its fragment, which browsers never send. */
function readFragment() {
  const receipt = decodeURIComponent(location.hash.slice(1));
  if (!receipt.startsWith('SBT1.')) return;
  area.value = receipt;
  for (const link of document.querySelectorAll('a.language')) link.hash = location.hash;
  void verify();
}
addEventListener('hashchange', readFragment);
readFragment();
