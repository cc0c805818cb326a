import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageDeps } from '../../deps.ts';
import { invalidField, type DomainError } from '../../../errors/errors.ts';
import { cursorAfter } from '../../../http/cursor.ts';
import { formParser } from '../../../http/forms.ts';
import { closed, Id, text } from '../../../http/schemas.ts';
import type { PagePlugin } from '../../../http/page-response.ts';
import { authorize } from '../../../identity/policy.ts';
import { recentlySettled, participationsById } from '../../../ledger/work-queues/work-queues.ts';
import type { SettledRow, ParticipationSummaryRow } from '../../../ledger/work-queues/queries.ts';
import type { RefundRow } from '../../../ledger/refunds/queries.ts';
import {
  failRefund,
  refundsDue,
  refundsKept,
  reverseRefund,
  settleRefunds,
} from '../../../ledger/refunds/operations.ts';
import { refundsCsv, refundsSheet } from '../../../ledger/refunds/refunds-file.ts';
import { refundsFileHeaders } from '../../../ledger/refunds/schemas.ts';
import { retryRead, runInTransaction } from '../../../operation/run.ts';
import { badge, emptyState } from '../../../web/components.ts';
import { formatRupiah, formatShortMoment } from '../../../web/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { entryForms } from '../kit/entry-forms.ts';
import { sendOperatorPage } from '../kit/frame.ts';
import { flashMessage, withFlash } from '../../kit/flash.ts';
import { queryParam } from '../../kit/params.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import {
  account,
  buyer,
  fieldOf,
  collapsibleForm,
  readReason,
  reasonOf,
  requireValid,
  subject,
  subsections,
} from '../kit/parts.ts';
import { waitingCell } from '../kit/queue-age.ts';
import { runAction } from '../../kit/form-action.ts';
import { scrollingTable } from '../../../web/table.ts';
import { cursorPage } from '../../kit/cursor-page.ts';

const here = '/operator/uang';
const pageSize = 50;
/** Refunds that are settled together. */
const mostAtOnce = 500;
const madeShown = 20;
/** Refunds whose money is kept that are shown, those that were due first. */
const keptShown = 50;
const readSettlement = formParser(closed({ reference: text(1, 200) }));
const readIds = formParser(closed({ id: Id }));

/** Money that goes back to buyers: a file for a bulk transfer, settle, fail, reverse. */
export function operatorRefunds(app: PageDeps): PagePlugin {
  return async (server) => {
    const show = async (request: FastifyRequest, reply: FastifyReply, refused?: DomainError) => {
      const { visit } = request;
      const { actor } = visit;
      authorize(actor, 'refund.settle');
      const [position = null, id = null] = cursorAfter(queryParam(request, 'cursor'), [
        'number',
        'id',
      ]);
      const wanted = { failedOnly: false, after: [position, id], limit: pageSize + 1 } as const;
      const { rows, made, kept, subjects } = await retryRead(async () => {
        const due = await refundsDue(app.db, actor, app.payments.gateway, wanted);
        const last = await recentlySettled(app.db, actor, 'refund', madeShown);
        const keptRows = await refundsKept(app.db, actor, [null, null], keptShown);
        const whose = [...due, ...last, ...keptRows].map(({ participation_id: one }) => one);
        const named = await participationsById(app.db, actor, whose);
        return { rows: due, made: last, kept: keptRows, subjects: named };
      });
      const list = cursorPage(visit, rows, {
        size: pageSize,
        url: visit.url(here),
        isFirst: position === null,
        cursorOf: (row) => [Number(row.position), row.transaction_id],
      });
      const body = html`${moneyOutParts(visit, here)}${flashMessage(request)}${refusalNotice(visit, refused)}
      ${queue(visit, list.rows, subjects)} ${list.links}
      ${keptPart(visit, kept, subjects)}${madePart(visit, here, made, subjects)}`;
      const title = visit.t('Pengembalian dana', 'Refunds');
      const page = { title, at: here, body } as const;
      return sendOperatorPage(request, reply, page, refused?.status ?? 200);
    };

    server.get(here, async (request, reply) => show(request, reply));

    // With POST it comes from the page that asked for a proof of identity.
    server.route({
      method: ['GET', 'POST'],
      url: `${here}/pengembalian.csv`,
      handler: async (request, reply) =>
        reply
          .headers(refundsFileHeaders.csv)
          .send(await refundsCsv(app.db, request.visit.actor, app.payments.gateway)),
    });
    server.route({
      method: ['GET', 'POST'],
      url: `${here}/pengembalian.xlsx`,
      handler: async (request, reply) =>
        reply
          .headers(refundsFileHeaders.xlsx)
          .send(await refundsSheet(app.db, request.visit.actor, app.payments.gateway)),
    });

    server.post(`${here}/lunas`, async (request, reply) => {
      const { actor } = request.visit;
      authorize(actor, 'refund.settle');
      return await runAction(request, reply, {
        run: async () => {
          const { id: chosen, ...rest } = (request.body ?? {}) as Record<string, unknown>;
          const { reference } = requireValid(readSettlement(rest));
          const ids = chosenIds(chosen);
          return await runInTransaction(app.db, (tx) =>
            settleRefunds(tx, actor, ids, reference.trim()),
          );
        },
        next: withFlash(here, 'lunas'),
        showAgain: (refused) => show(request, reply, refused),
      });
    });

    const form = entryForms(server, { here, action: 'refund.settle', show });
    form('gagal', 'gagal', async ({ visit, body }, id) => {
      const { reason } = requireValid(readReason(body));
      return await runInTransaction(app.db, (tx) => failRefund(tx, visit.actor, id, reason.trim()));
    });
    form('balik', 'dibalik', async ({ visit, body }, id) => {
      const { reason } = requireValid(readReason(body));
      return await runInTransaction(app.db, (tx) =>
        reverseRefund(tx, visit.actor, id, reason.trim()),
      );
    });
  };
}

/** The ids of the boxes that were ticked: a list, or one. */
function chosenIds(chosen: unknown): string[] {
  const all = Array.isArray(chosen) ? (chosen as unknown[]) : [chosen];
  const wanted = all.filter((id) => 'value' in readIds({ id })).map((id) => String(id));
  if (wanted.length === 0 || wanted.length !== all.length || wanted.length > mostAtOnce) {
    throw invalidField('id', {
      id: 'Pilih dulu pengembalian yang sudah dikirim.',
      en: 'Choose the refunds that were made first.',
    });
  }
  return wanted.map((id) => id.toLowerCase());
}

/** The pages of money that goes out. */
export function moneyOutParts(visit: PageContext, at: string): Html {
  const { t } = visit;
  return subsections(
    visit,
    [
      { path: here, words: t('Pengembalian', 'Refunds') },
      { path: `${here}/pencairan`, words: t('Pencairan', 'Payouts') },
      { path: `${here}/dobel`, words: t('Terkirim dobel', 'Sent twice') },
      { path: `${here}/keluhan`, words: t('Keluhan', 'Disputes') },
    ],
    at,
  );
}

type Subjects = ReadonlyMap<string, ParticipationSummaryRow>;

function queue(visit: PageContext, rows: readonly RefundRow[], subjects: Subjects): Html {
  const { t, url } = visit;
  if (rows.length === 0) {
    return emptyState(
      t('Tidak ada yang menunggu', 'Nothing waits'),
      t('Semua pengembalian sudah dikirim.', 'Every refund has been made.'),
    );
  }
  return html`<section class="panel">
      <div class="row apart">
        <h2 id="due">${t('Harus dikirim', 'To be made')}</h2>
        <span class="row">
          <a class="button" href="${url(`${here}/pengembalian.xlsx`)}" download
            >${t('Unduh Excel', 'Download Excel')}</a
          >
          <a class="button quiet" href="${url(`${here}/pengembalian.csv`)}" download>CSV</a>
        </span>
      </div>
      <p class="quiet">
        ${t(
          'Berkasnya memuat semua pengembalian untuk transfer massal. Yang rekeningnya belum diisi pembeli ada di baris paling bawah.',
          'The file has every refund, for a bulk transfer. Those whose buyer has not given an account yet are on the last lines.',
        )}
      </p>
      <form class="stack" method="post" action="${url(`${here}/lunas`)}">
        ${refundTable(visit, rows, subjects)}
        ${fieldOf('settle', 'reference', t('Referensi transfer', 'Reference of the transfer'), {
          required: true,
          maxlength: 200,
        })}
        <button class="button">
          ${t('Catat yang dipilih sudah dikirim', 'Settle the chosen')}
        </button>
      </form>
    </section>
    <section class="panel" aria-labelledby="failed">
      <h2 id="failed">${t('Ada yang gagal dikirim?', 'Did one fail?')}</h2>
      ${rows.map((row) =>
        collapsibleForm(
          visit,
          {
            path: `${here}/${row.transaction_id}/gagal`,
            words: `${formatRupiah(row.amount, visit.language)} · ${
              row.holder ?? subjects.get(row.participation_id)?.display_name ?? '–'
            }`,
            button: t('Catat gagal', 'Note the failure'),
            danger: true,
          },
          reasonOf(visit, row.transaction_id),
        ),
      )}
    </section>`;
}

function refundTable(visit: PageContext, rows: readonly RefundRow[], subjects: Subjects): Html {
  const { t, language } = visit;
  return scrollingTable<RefundRow>(
    { labelledBy: 'due' },
    {
      isStacked: true,
      rows,
      columns: [
        {
          head: t('Pilih', 'Choose'),
          isRowHead: true,
          cell: ({ transaction_id: id, participation_id }) =>
            html`<span class="field check"
              ><label
                ><input type="checkbox" name="id" value="${id}" /><span
                  >${subjects.get(participation_id)?.display_name ?? `…${id.slice(-8)}`}</span
                ></label
              ></span
            >`,
        },
        {
          head: 'Sambatan',
          cell: ({ participation_id: id }) =>
            html`${subject(visit, subjects.get(id))} ${buyer(visit, undefined, id)}`,
        },
        {
          head: t('Ke', 'To'),
          cell: (row) =>
            html`${account(visit, row)}${
              row.attempts > 0 &&
              html` ${badge(t(`${row.attempts}× gagal`, `failed ${row.attempts}×`), 'bad')}
                <span class="quiet">${row.reason}</span>`
            }`,
        },
        {
          head: t('Jumlah', 'Amount'),
          isNumber: true,
          cell: ({ amount }) => formatRupiah(amount, language),
        },
        {
          head: t('Sejak', 'Since'),
          cell: (row) => waitingCell(visit, 'refunds', row.created_at),
        },
      ],
    },
  );
}

/** Money that is not to be sent: its buyers wait at the head of a waiting list with it. */
function keptPart(
  visit: PageContext,
  rows: readonly RefundRow[],
  subjects: Subjects,
): Html | undefined {
  const { t, language } = visit;
  if (rows.length === 0) return undefined;
  return html`<section class="panel" aria-labelledby="kept">
    <h2 id="kept">${t('Disimpan untuk antrean', 'Kept for the waiting list')}</h2>
    <p class="quiet">
      ${t(
        'Pembelinya membayar tepat waktu dan memilih antre paling depan. Jangan dikirim: uangnya dipakai begitu slotnya kosong, atau masuk lagi ke daftar di atas kalau antreannya berakhir.',
        'These buyers paid on time and chose the front of the line. Do not send the money: it pays for the slots that come free, or returns to the list above when the waiting ends.',
      )}
    </p>
    <ul class="plain">
      ${rows.map((row) => {
        const whose = subjects.get(row.participation_id);
        return html`<li>
          <strong>${formatRupiah(row.amount, language)}</strong>
          ${whose?.display_name ?? `…${row.transaction_id.slice(-8)}`} · ${subject(visit, whose)}
          ${buyer(visit, undefined, row.participation_id)}
        </li>`;
      })}
    </ul>
  </section>`;
}

/** What was made last, for what came back. */
export function madePart(
  visit: PageContext,
  base: string,
  rows: readonly SettledRow[],
  subjects: Subjects,
): Html | undefined {
  const { t, language, person } = visit;
  if (rows.length === 0) return undefined;
  return html`<section class="panel" aria-labelledby="made">
    <h2 id="made">${t('Terakhir dikirim', 'Made last')}</h2>
    <p class="quiet">
      ${t(
        'Uangnya kembali dari bank? Buka barisnya dan catat.',
        'Did the bank send it back? Open the line and note it.',
      )}
    </p>
    ${rows.map((row) => {
      const name = subjects.get(row.participation_id ?? '')?.display_name;
      const when = formatShortMoment(row.settled_at, language, person?.timeZone);
      const words = [formatRupiah(row.amount, language), name ?? row.title, row.reference, when];
      return collapsibleForm(
        visit,
        {
          path: `${base}/${row.transaction_id}/balik`,
          words: words.filter(Boolean).join(' · '),
          button: t('Uangnya kembali', 'It came back'),
          danger: true,
        },
        reasonOf(visit, row.transaction_id),
      );
    })}
  </section>`;
}
