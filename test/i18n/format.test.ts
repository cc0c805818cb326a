import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  fileSize,
  formatCount,
  formatDay,
  formatDistance,
  formatMoment,
  formatPercent,
  formatRupiah,
  formatShortMoment,
  formatSlots,
} from '../../src/i18n/format.ts';
import { textOf, translate, wording } from '../../src/i18n/messages.ts';

/** 2 December 2026, 10:00 in Western Indonesian time. */
const at = new Date('2026-12-02T03:00:00Z');

test('money, numbers and sizes are written as the language writes them', () => {
  assert.equal(formatRupiah(195_000n, 'id'), 'Rp195.000');
  assert.equal(formatRupiah(195_000n, 'en'), 'Rp195,000');
  assert.equal(formatRupiah(-1_500, 'id'), '−Rp1.500');
  assert.equal(formatCount(12_345, 'id'), '12.345');
  assert.equal(formatSlots(1, 'en'), '1 slot');
  assert.equal(formatSlots(2_000n, 'en'), '2,000 slots');
  assert.equal(formatSlots(2_000n, 'id'), '2.000 slot');
  assert.equal(fileSize(1_258_291, 'id'), '1,2 MB');
  assert.equal(formatPercent(999, 1_000, 'en'), '99%');
});

test('a date has no leading zero, and the name of its time zone', () => {
  assert.equal(formatMoment(at, 'id'), 'Rabu, 2 Desember 2026 pukul 10.00 WIB');
  assert.equal(formatMoment(at, 'en'), 'Wednesday, 2 December 2026 at 10:00 WIB');
  assert.equal(formatMoment(at, 'id', 'Asia/Jayapura'), 'Rabu, 2 Desember 2026 pukul 12.00 WIT');
  assert.match(formatMoment(at, 'en', 'Europe/Berlin'), /at 04:00 CET$/);
  assert.equal(formatShortMoment(at, 'id'), '2 Des 2026, 10.00');
  assert.equal(formatDay('2026-12-02', 'id'), '2 Desember 2026');
  assert.equal(formatDistance(new Date(at.getTime() - 3_600_000), at, 'id'), '1 jam yang lalu');
});

test('a language without data in Node is written as Indonesian', () => {
  assert.equal(formatMoment(at, 'xx').slice(0, 4), 'Rabu');
  assert.equal(translate('xx', 'common.save'), translate('id', 'common.save'));
});

test('a message takes numbers, large numbers, other messages and texts by language', () => {
  assert.equal(translate('en', 'common.slots', { count: 1n }), '1 slot');
  const inner = wording('errors.statementReasons.amount');
  const whole = wording('errors.statement_not_readable.detail', { place: 'B7', why: inner });
  assert.ok(textOf('en', whole).includes(textOf('en', inner)));
  const byLanguage = wording('errors.field.oneOf', { list: (language) => `<${language}>` });
  assert.ok(textOf('id', byLanguage).includes('<id>'));
});
