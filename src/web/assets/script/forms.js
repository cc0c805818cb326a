import { isSending, say, visit } from './pages.js';
import { number, t } from './times.js';

// Sends each form only once: while it is being sent, further taps on its button are ignored.
document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.dataset.plain !== undefined || event.defaultPrevented) return;
  const send = event.submitter;
  const action = send?.getAttribute('formaction') ?? form.getAttribute('action') ?? location.href;
  event.preventDefault();
  if (isSending()) return;
  const data = new FormData(form, send);
  const url = new URL(action, location.href);
  const post = form.method === 'post';
  if (!post) url.search = new URLSearchParams(data).toString();
  const multipart = form.enctype === 'multipart/form-data';
  const body = post ? (multipart ? data : new URLSearchParams(data)) : undefined;
  const isTheme = form.matches('.themes');
  const done = isTheme ? () => {} : busy(form, send);
  void visit(url.href, { method: post ? 'post' : 'get', body, isTheme }).finally(done);
});

/**
 * Shows that a form is being sent, also as text for screen readers. Returns a function that ends
 * this state.
 */
function busy(form, send) {
  form.dataset.sending = '';
  form.setAttribute('aria-busy', 'true');
  const words = send?.textContent;
  if (send) send.textContent = t('sending');
  const slow = setTimeout(() => {
    if (!document.querySelector('.waiting')) say(form, 'busy slow', 'status', t('slow'));
  }, 8000);
  return () => {
    clearTimeout(slow);
    form.querySelector('.slow')?.remove();
    delete form.dataset.sending;
    form.removeAttribute('aria-busy');
    if (send) send.textContent = words;
  };
}

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

/** Handles the plus and minus buttons next to a slot quantity. */
function step(button) {
  const field = document.getElementById(button.dataset.for);
  const value = Number(field.value || field.min) + Number(button.dataset.step);
  const most = field.max === '' ? Infinity : Number(field.max);
  field.value = String(Math.min(most, Math.max(Number(field.min) || 1, value)));
  field.dispatchEvent(new Event('input', { bubbles: true }));
}

// Updates the total price when the number of slots changes, and the names of files when files are
// chosen.
document.addEventListener('input', ({ target }) => {
  if (target.type === 'file') return chosen(target);
  const price = target.dataset?.price;
  const total = target.form?.querySelector('[data-total]');
  if (price === undefined || !total) return;
  const slots = Number(target.value);
  const known = Number.isInteger(slots) && slots > 0;
  total.textContent = known ? `Rp${number.format(BigInt(price) * BigInt(slots))}` : '–';
  const many = target.form.querySelector('[data-many]');
  if (many) many.textContent = known ? t('slots', { count: slots }) : '–';
});

/** Shows the names of the chosen files next to their field, and previews of the chosen pictures. */
function chosen(field) {
  const list = field.closest('.file')?.querySelector('.chosen');
  if (!list) return;
  list.replaceChildren(
    ...[...field.files].map((file) => {
      const one = document.createElement('li');
      const picture = one.appendChild(document.createElement('canvas'));
      picture.hidden = true;
      one.append(file.name);
      if (file.type.startsWith('image/')) void draw(file, picture).catch(() => {});
      return one;
    }),
  );
}

async function draw(file, canvas) {
  const picture = await createImageBitmap(file, { resizeHeight: 96, resizeQuality: 'medium' });
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext('2d').drawImage(picture, 0, 0);
  canvas.hidden = false;
}

async function copied(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  const before = button.textContent;
  button.textContent = t('copied');
  setTimeout(() => (button.textContent = before), 2000);
}
