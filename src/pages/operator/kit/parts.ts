import type { FastifyRequest } from 'fastify';
import { DomainError, type Wording } from '../../../errors/errors.ts';
import { closed, Id, text } from '../../../http/schemas.ts';
import type { ParticipationSummaryRow } from '../../../ledger/work-queues/queries.ts';
import type { BankAccountRow } from '../../../ledger/bank-accounts/queries.ts';
import { formParser, type ParseResult, type RawFields } from '../../../http/forms.ts';
import { notice } from '../../../web/components.ts';
import { formatSlots } from '../../../web/format.ts';
import { attribute, html, type Html, type Part } from '../../../web/html.ts';
import { inLanguage, type PageContext } from '../../../web/visit.ts';

export const params = closed({ id: Id });
export const readReason = formParser(closed({ reason: text(3, 500) }));
export const readReference = formParser(closed({ reference: text(1, 200) }));

/** A form that was refused, with what was typed where it is shown again. */
export interface Sent {
  readonly refused: DomainError;
  readonly typed?: RawFields;
}

/** What a form says. Refuses: validation_failed, with what is wrong in it. */
export function tryVerb<T>(reading: ParseResult<T>): T {
  if ('errors' in reading) throw new DomainError('validation_failed', {}, reading.errors);
  return reading.value;
}

/** Why a form was not taken, above the list that it belongs to. */
export function refusalNotice(
  visit: PageContext,
  refused: Pick<DomainError, 'text' | 'fields'> | undefined,
): Html | undefined {
  if (refused === undefined) return undefined;
  const { title, detail } = refused.text(visit.language);
  return notice('bad', title, refused.fields[0]?.message[visit.language] ?? detail);
}

const news = {
  diterima: { id: 'Pembayaran diterima.', en: 'The payment is settled.' },
  ditolak: {
    id: 'Bukti ditolak. Pembeli diberi tahu alasannya.',
    en: 'The proof is rejected. The buyer is told why.',
  },
  dipasangkan: { id: 'Transfer dicatat untuk pesanan itu.', en: 'The transfer is counted for it.' },
  menunggusisa: {
    id: 'Uangnya belum cukup, jadi menunggu transfer sisanya. Belum ada yang dicatat.',
    en: 'It is not enough yet, so it waits for the rest. Nothing is recorded so far.',
  },
  diurungkan: { id: 'Pembagian diurungkan.', en: 'The division is undone.' },
  disisihkan: { id: 'Transfer disisihkan.', en: 'The transfer is set aside.' },
  tersimpan: { id: 'Rekening tersimpan.', en: 'The account is saved.' },
  lunas: { id: 'Pengembalian dicatat selesai.', en: 'The refunds are settled.' },
  gagal: {
    id: 'Kegagalan dicatat. Pengembaliannya tetap menunggu.',
    en: 'The failure is noted. The refund stays due.',
  },
  dibalik: {
    id: 'Dicatat kembali. Uangnya menunggu dikirim ulang.',
    en: 'It is noted as come back. The money is due again.',
  },
  pulih: { id: 'Uangnya dicatat sudah kembali.', en: 'The money is noted as come back.' },
  relakan: { id: 'Dicatat sebagai kerugian.', en: 'It is noted as a loss.' },
  dilepas: { id: 'Pencairan boleh dikirim.', en: 'The payout may leave.' },
  cair: { id: 'Pencairan dicatat selesai.', en: 'The payout is settled.' },
  ditunjuk: { id: 'Operator ditunjuk.', en: 'The operator is named.' },
  dicabut: { id: 'Operator dicabut.', en: 'It is taken away.' },
  selesai: { id: 'Keluhan selesai.', en: 'The dispute is resolved.' },
} as const satisfies Record<string, Wording>;

/** A path that says, once it is reached, what was done. */
export function withFlash(path: string, what: keyof typeof news): string {
  return `${path}?kabar=${what}`;
}

/** What was done on the page before this one. */
export function flashMessage(request: FastifyRequest): Html | undefined {
  const { kabar } = request.query as { kabar?: unknown };
  if (typeof kabar !== 'string' || !Object.hasOwn(news, kabar)) return undefined;
  return notice('good', inLanguage(request.visit, news[kabar as keyof typeof news]));
}

/** One word of a query; undefined when it is not there or comes twice. */
export function queryParam(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The ways to the pages of one section. */
export function subsections(
  visit: PageContext,
  links: readonly { readonly path: string; readonly words: string }[],
  at: string,
): Html {
  return html`<nav class="choices" aria-label="${visit.t('Bagian', 'Parts')}">
    <ul>
      ${links.map(
        ({ path, words }) =>
          html`<li>
            <a href="${visit.url(path)}" ${attribute('aria-current', path === at && 'page')}
              >${words}</a
            >
          </li>`,
      )}
    </ul>
  </nav>`;
}

/** Whose money it is, and for what, as a heading's words. */
export function subject(visit: PageContext, row: ParticipationSummaryRow | undefined): Part {
  if (row === undefined) return '–';
  return html`<a href="${visit.url(`/operator/sambatan/${row.campaign_id}`)}">${row.title}</a>
    <span class="quiet">· ${formatSlots(row.quantity, visit.language)}</span>`;
}

/** Who takes part, with the way to everything about it. */
export function buyer(
  visit: PageContext,
  row: ParticipationSummaryRow | undefined,
  participationId: string,
): Part {
  const name = row?.display_name ?? row?.email ?? `…${participationId.slice(-12)}`;
  return html`<a href="${visit.url(`/operator/ikutan?q=${participationId}`)}">${name}</a>`;
}

/** An account that money goes to. */
export function account(
  visit: PageContext,
  row: { readonly [K in keyof BankAccountRow]: BankAccountRow[K] | null },
): Part {
  if (row.number === null) return visit.t('belum diisi', 'not given yet');
  return html`${row.bank} <code>${row.number}</code> ${visit.t('a.n.', 'in the name of')}
    ${row.holder}`;
}

/** A field with an id of its own, where a page has the same form several times. */
export function fieldOf(
  id: string,
  name: string,
  label: string,
  control: Readonly<Record<string, string | number | boolean>> = {},
): Html {
  return html`<div class="field">
    <label for="${name}-${id}">${label}</label
    ><input
      id="${name}-${id}"
      name="${name}"
      autocomplete="off"
      ${Object.entries(control).map(([key, value]) => attribute(key, value))}
    />
  </div>`;
}

/** A form that is folded away until it is wanted. */
export function collapsibleForm(
  visit: PageContext,
  {
    path,
    words,
    button,
    danger = false,
  }: { path: string; words: string; button: string; danger?: boolean },
  fields: Part,
): Html {
  return html`<details>
    <summary>${words}</summary>
    <form class="stack narrow" method="post" action="${visit.url(path)}">
      ${fields}
      <button class="button${danger && ' danger'}">${button}</button>
    </form>
  </details>`;
}

/** Why: for everything that is taken back or not taken. */
export function reasonOf(visit: PageContext, id: string, words?: string): Html {
  return fieldOf(id, 'reason', words ?? visit.t('Alasan', 'Reason'), {
    required: true,
    minlength: 3,
    maxlength: 500,
  });
}
