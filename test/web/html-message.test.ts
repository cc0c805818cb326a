import assert from 'node:assert/strict';
import { test } from 'node:test';
import { html } from '../../src/web/html.ts';
import { htmlMessage } from '../../src/web/html-message.ts';

const shown = (language: string, quantity: number, delivered = html`<b>2</b>`) =>
  htmlMessage({ language }, 'order.participation.ofTheRestCannotBeDelivered', {
    delivered,
    quantity,
  }).toString();

test('HTML stands where the language has its placeholder, and numbers keep their plural', () => {
  assert.equal(shown('id', 3), '<b>2</b> dari 3 slot; sisanya tidak bisa dipenuhi');
  assert.equal(shown('en', 3), '<b>2</b> of 3 slots; the rest can’t be delivered');
  assert.match(shown('en', 1), /of 1 slot;/);
});

test('the other values of a message are escaped', () => {
  const text = htmlMessage({ language: 'id' }, 'order.mine.payBy', {
    amount: '<i>Rp1</i>',
    at: html`<time>besok</time>`,
    left: html`<b>1 hari</b>`,
  });
  assert.equal(
    text.toString(),
    'Bayar &lt;i&gt;Rp1&lt;/i&gt; sebelum <time>besok</time> (sisa <b>1 hari</b>)',
  );
});
