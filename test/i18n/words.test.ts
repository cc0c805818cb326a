import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCatalogues } from '../../src/i18n/catalogue.ts';

/** A rule of style for the words that people read. */
interface Rule {
  /** Matches what is wrong. E-mail addresses and URLs are not checked. */
  readonly wrong: RegExp;
  readonly instead: string;
  /** The language to which the rule applies; without it, both languages. */
  readonly language?: 'id' | 'en';
  /** The message keys to which the rule does not apply. */
  readonly except?: RegExp;
}

/** Developers read the errors of the API. Users read only those of the pages. */
const ofApi = /^errors\.(?!page\.)/;

const rules: Readonly<Record<string, Rule>> = {
  'quotation marks': { wrong: /[«»„"]/, instead: '“…”' },
  'two spaces': { wrong: / {2}/, instead: 'one space' },
  'a space at an end': { wrong: /^\s|\s$/, instead: 'no space' },
  'three dots': { wrong: /\.{3}/, instead: '…' },
  'e-mail': { wrong: /\bemails?\b|\bsurel\b/i, instead: 'e-mail' },
  'an order': { wrong: /\bikutan|keikutsertaan/i, instead: 'pesanan', language: 'id' },
  'a brand': { wrong: /\bmerek(?!a)/i, instead: 'brand', language: 'id' },
  'a proof of payment': { wrong: /\bbukti bayar/i, instead: 'bukti transfer', language: 'id' },
  'a campaign': { wrong: /\bsambatan(?! [a-z]+-)/, instead: 'Sambatan', language: 'id' },
  apostrophes: { wrong: /[\p{L}]'|'[\p{L}]/u, instead: '’', language: 'en' },
  mails: {
    wrong: /(?<!e-)\bmail(?:s|ed|box(?:es)?)?\b/i,
    instead: 'e-mail, inbox',
    language: 'en',
  },
  'words of machines': {
    wrong: /Idempotency-Key|JSON|UUID|\bHTTP\b|\bheaders?\b|\bmovements?\b|\bentit(?:y|ies)\b/i,
    instead: 'words for people',
    except: ofApi,
  },
};

/** The words of a message, without addresses and without the names of placeholders. */
function wordsOf(template: string): string {
  return template
    .replaceAll(/[\w.+-]+@[\w.-]+/g, '@')
    .replaceAll(/https?:\/\/\S*/g, '@')
    .replaceAll(/(?<=^|[\s(])\/[\w/{}.-]+/g, '@')
    .replaceAll(/\{(\w+)(?=[,}])/g, '{');
}

for (const [name, { wrong, instead, language, except }] of Object.entries(rules)) {
  test(`the words of the site: ${name} (${instead})`, () => {
    const found: string[] = [];
    for (const [spoken, catalogue] of readCatalogues()) {
      if (language !== undefined && spoken !== language) continue;
      for (const [key, template] of catalogue) {
        if (except?.test(key) === true || !wrong.test(wordsOf(template))) continue;
        found.push(`${spoken} ${key}: ${template}`);
      }
    }
    assert.deepEqual(found, []);
  });
}
