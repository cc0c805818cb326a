import assert from 'node:assert/strict';
import { test } from 'node:test';
import { notificationKinds, type MessageKind } from '../../src/notifications/messages/kinds.ts';
import { messageFor, type MessageParams } from '../../src/notifications/messages/messages.ts';

const kinds = Object.keys(notificationKinds) as MessageKind[];

function paramsOf(count: number): MessageParams {
  return {
    campaign: 'Petrikor',
    brand: 'Kenanga',
    quantity: count,
    amount: 125_000,
    until: '2026-12-02T12:00:00Z',
    slots_taken: count,
    total_slots: count,
    joined: count,
    joined_slots: count,
    confirmed: count,
    confirmed_slots: count,
    cancelled: count,
    cancelled_slots: count,
  };
}

function textOf(kind: MessageKind, count: number, language: string): string {
  const reader = { language, timeZone: 'Asia/Jakarta' };
  const { title, paragraphs } = messageFor(kind, paramsOf(count), reader);
  return [title, ...paragraphs].join('\n');
}

test('English notifications agree in number with their slots, buyers and orders', () => {
  const wrong = [
    /\b1 (?:slots|buyers|orders)\b/,
    /\b(?!1 )\d+ (?:slot|buyer|order)\b/,
    /\b1 slot\b[^.]{0,40}\bare\b/,
    /\b3 slots\b[^.]{0,40}\bis\b/,
  ];
  for (const kind of kinds) {
    for (const count of [1, 3]) {
      const text = textOf(kind, count, 'en');
      for (const pattern of wrong) assert.doesNotMatch(text, pattern, kind);
    }
  }
});

test('notifications quote in “…”, and call the order and the e-mail by one name', () => {
  for (const kind of kinds) {
    assert.doesNotMatch(textOf(kind, 3, 'id'), /[«»]|ikutan|keikutsertaan|merek|\bemail\b/i, kind);
    assert.doesNotMatch(textOf(kind, 3, 'en'), /[«»']|\bmails?\b|mailbox|complaint/i, kind);
  }
});
