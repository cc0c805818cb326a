import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCatalogues } from '../../src/i18n/catalogue.ts';

/** A rule of the house style for the words that people read. */
interface Rule {
  /** What is wrong, as a regular expression; addresses of e-mails and sites are left out. */
  readonly wrong: RegExp;
  readonly instead: string;
  /** The languages it is a rule of; both, if there are none. */
  readonly language?: 'id' | 'en';
  /** The keys that it does not apply to. */
  readonly except?: RegExp;
}

/** Errors of the API are read by developers; those of pages are not. */
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

/** Leaves out addresses and what a template has for programs: names of placeholders. */
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
