import { sendPage, type PagePlugin } from '../../http/page-response.ts';
import type { MessageKey } from '../../i18n/message-keys.ts';
import { templateText } from '../../i18n/messages.ts';
import { assets } from '../../web/assets.ts';
import { html, type Html } from '../../web/html.ts';
import { heading } from '../../web/layout.ts';
import type { PageContext } from '../../web/visit.ts';

/** The messages that the script of this page shows, by their name in the script. */
const scriptMessages = {
  checking: 'verify.checking',
  good: 'verify.good',
  bad: 'verify.bad',
  busy: 'verify.busy',
  order: 'verify.order',
  neverOver: 'verify.neverOver',
  unchanged: 'verify.unchanged',
  money: 'verify.money',
  compare: 'verify.compare',
  copy: 'verify.copy',
  changed: 'verify.changed',
  fork: 'verify.fork',
  shorter: 'verify.shorter',
  missing: 'verify.missing',
  oversold: 'verify.oversold',
  rule: 'verify.rule',
  unreadable: 'verify.unreadable',
  wrongReceipt: 'verify.wrongReceipt',
  unknownKey: 'verify.unknownKey',
  signature: 'verify.signature',
  keyReplaced: 'verify.keyReplaced',
  restoreHidden: 'verify.restoreHidden',
  notCounted: 'verify.notCounted',
  sumsWrong: 'verify.sumsWrong',
  sumsReplaced: 'verify.sumsReplaced',
  restored: 'verify.restored',
  signatureUnchecked: 'verify.signatureUnchecked',
  insecure: 'verify.insecure',
  unreachable: 'verify.unreachable',
  notReceipt: 'verify.notReceipt',
  foreignProof: 'verify.foreignProof',
  fromMemory: 'verify.fromMemory',
} as const satisfies Readonly<Record<string, MessageKey>>;
/** The messages that are headings of a result. */
const verdicts = ['good', 'bad', 'busy'];

/**
 * Registers the page on which a browser checks receipts against the public log. The browser does
 * everything: no field of the form has a name, so a receipt is never sent.
 */
export function verifyPages(): PagePlugin {
  return async (server) => {
    server.get('/bukti', async (request, reply) => {
      const { t } = request.visit;
      return sendPage(request, reply, {
        title: t('verify.title'),
        section: 'home',
        description: t('verify.description'),
        head: html`<script src="${assets['verify.js'].path}" type="module"></script>`,
        main: html`${heading(t('verify.title'), t('verify.lead'))}${form(request.visit)}
          <section
            class="panel"
            data-verify-result
            tabindex="-1"
            aria-live="polite"
            hidden
          ></section>
          ${elsewhere(request.visit)}${messages(request.visit)}`,
      });
    });
  };
}

function form({ t }: PageContext): Html {
  return html`<noscript><p class="notice busy">${t('verify.needsScript')}</p></noscript>
    <form class="stack panel" data-verify data-plain data-needs-script hidden>
      <div class="field">
        <label for="receipt">${t('verify.receipt')}</label>
        <textarea
          id="receipt"
          rows="4"
          spellcheck="false"
          autocomplete="off"
          autocapitalize="off"
          aria-describedby="receipt-hint"
          placeholder="SBT1.…"
        ></textarea>
        <p class="hint" id="receipt-hint">${t('verify.receiptHint')}</p>
      </div>
      <div class="field">
        <label for="receipt-files">${t('verify.files')}</label>
        <input id="receipt-files" type="file" multiple aria-describedby="receipt-files-hint" />
        <p class="hint" id="receipt-files-hint">${t('verify.filesHint')}</p>
      </div>
      <button class="button">${t('verify.check')}</button>
      <p class="quiet">${t('verify.private')}</p>
    </form>`;
}

/** Explains how to verify without this page, which the service could manipulate. */
function elsewhere({ t, origin }: PageContext): Html {
  return html`<section class="panel">
    <h2>${t('verify.elsewhere')}</h2>
    <p>${t('verify.elsewhereLead')}</p>
    <p>${t('verify.independent')}</p>
    <pre><code>node tools/verify/verify.mjs ${origin} bukti.txt</code></pre>
    <p>${t('verify.command')}</p>
    <pre><code>sambatan log verify --url ${origin} --receipt bukti.txt</code></pre>
  </section>`;
}

function messages({ language }: PageContext): Html {
  return html`<template data-verify-words>
    ${Object.entries(scriptMessages).map(([name, key]) => {
      const text = templateText(language, key);
      if (verdicts.includes(name)) return html`<h2 data-word="${name}">${text}</h2>`;
      if (name !== 'copy') return html`<p data-word="${name}">${text}</p>`;
      return html`<button type="button" class="button quiet" data-word="copy">${text}</button>`;
    })}
  </template>`;
}
