import type { PageDeps } from '../../deps.ts';
import { sendPage, type PagePlugin } from '../../../http/page-response.ts';
import {
  balanceSides,
  viewSellerStatement,
  type SellerStatement,
} from '../../../ledger/books/operations.ts';
import type { CampaignPayoutRow } from '../../../ledger/payouts/queries.ts';
import { badge, exactMoment, notice } from '../../../web/components.ts';
import { formatRupiah } from '../../../web/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { idParam } from '../../kit/params.ts';
import { requireSignedIn } from '../../kit/signed-in.ts';
import { scrollingTable } from '../../../web/table.ts';

/** The money of a campaign for its seller, so that every rupiah is on both sides; to print, too. */
export function statementPage(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/toko/sambatan/:id/uang', async (request, reply) => {
      const { visit } = request;
      requireSignedIn(visit);
      const statement = await viewSellerStatement(app.db, visit.actor, idParam(request));
      return sendPage(request, reply, statementView(visit, statement));
    });
  };
}

function statementView(visit: PageContext, statement: SellerStatement) {
  const { t, url, language } = visit;
  const { campaign, books } = statement;
  const sums = balanceSides(books);
  const title = t('Laporan uang', 'Money statement');
  const money = (amount: bigint) => formatRupiah(amount, language);
  const fee = money(books.fee);
  const twice = books.owed_back + books.lost;
  const main = html`<p class="crumbs no-print">
      <a href="${url(`/toko/sambatan/${campaign.id}`)}">${campaign.title}</a>
    </p>
    <div class="row apart shop-head">
      <h1>${title}</h1>
      <button class="button no-print" type="button" data-print data-needs-script hidden>
        ${t('Cetak', 'Print')}
      </button>
    </div>
    <p>
      ${campaign.brand_name} · ${campaign.title}<br />
      <span class="quiet">${t('Keadaan', 'As of')} ${exactMoment(visit, visit.now)}</span>
    </p>
    ${statementSide(visit, 'in', t('Uang masuk', 'Money in'), sums.in, [
      [t('Pembayaran pesanan', 'Payments of orders'), books.paid],
      [t('Kode unik (penyesuaian)', 'Unique codes (adjustment)'), books.unique_codes],
      [t('Terlambat, dobel, atau kelebihan', 'Too late, twice or too much'), books.credits],
      [t('Transfer keluar yang kembali', 'Transfers out that came back'), books.returned],
      [t('Belum dibayar pembeli', 'Not paid by buyers yet'), books.receivable],
      ...(twice === 0n
        ? []
        : [
            [
              t('Terkirim dua kali, ditanggung Sambatan', 'Sent twice, borne by Sambatan'),
              twice,
            ] as const,
          ]),
    ])}
    ${statementSide(visit, 'for', t('Untuk apa', 'What it is for'), sums.for, [
      [t('Bagianmu', 'Your share'), books.gross - books.fee],
      [t('Biaya Sambatan', 'Fee of Sambatan'), books.fee],
      [t('Dana kembali: menunggu dikirim', 'Refunds: due'), books.refunds_due],
      [t('Dana kembali: sudah dikirim', 'Refunds: settled'), books.refunds_settled],
      [t('Kode unik yang tidak kembali', 'Unique codes that stay'), books.codes_kept],
      [t('Pencairan yang kembali', 'Payouts that came back'), books.payouts_returned],
    ])}
    ${
      sums.in === sums.for
        ? notice(
            'good',
            t('Pas sampai rupiah.', 'It balances to the rupiah.'),
            html`${money(sums.in)} = ${money(sums.for)}`,
          )
        : notice(
            'bad',
            t('Belum pas.', 'It does not balance.'),
            t(
              `Selisihnya ${money(sums.in - sums.for)}. Kami periksa; hubungi operator.`,
              `The difference is ${money(sums.in - sums.for)}. Please tell an operator.`,
            ),
          )
    }
    <section class="panel" aria-labelledby="payout">
      <h2 id="payout">${t('Pencairan ke rekeningmu', 'Paid out to you')}</h2>
      <dl class="facts">
        <dt>${t('Nilai yang dikirim ke pembeli', 'Worth of what is delivered')}</dt>
        <dd>${money(books.gross)}</dd>
        <dt>${t('Dikurangi biaya', 'Less the fee')}</dt>
        <dd>${fee}</dd>
        <dt>${t('Menunggu dicairkan', 'Due')}</dt>
        <dd>${money(books.payouts_due)}</dd>
        <dt>${t('Sudah dicairkan', 'Settled')}</dt>
        <dd>${money(books.payouts_settled)}</dd>
        <dt>${t('Masih di rekening Sambatan', 'In hand at Sambatan')}</dt>
        <dd>${money(books.held + twice)}</dd>
      </dl>
      ${payoutList(visit, statement.payouts)}
    </section>`;
  return { title: `${title}: ${campaign.title}`, section: 'shop' as const, main };
}

type Line = readonly [words: string, amount: bigint];

function statementSide(
  visit: PageContext,
  id: string,
  title: string,
  sum: bigint,
  lines: readonly Line[],
): Html {
  const { t, language } = visit;
  return html`<section class="panel">
    <h2 id="${id}">${title}</h2>
    ${scrollingTable(
      { labelledBy: id },
      {
        hidesHead: true,
        rows: lines,
        columns: [
          { head: t('Jenis', 'Kind'), isRowHead: true, cell: ([words]) => words },
          {
            head: t('Jumlah', 'Amount'),
            isNumber: true,
            cell: ([, amount]) => formatRupiah(amount, language),
          },
        ],
        foot: html`<tr>
          <th scope="row">${t('Jumlah semuanya', 'Sum')}</th>
          <td class="number"><strong>${formatRupiah(sum, language)}</strong></td>
        </tr>`,
      },
    )}
  </section>`;
}

function payoutList(visit: PageContext, payouts: readonly CampaignPayoutRow[]): Html {
  const { t, language } = visit;
  if (payouts.length === 0) {
    return html`<p class="quiet">
      ${t('Pencairan muncul setelah Sambatan berhasil.', 'A payout appears once the campaign has succeeded.')}
    </p>`;
  }
  return html`<ul class="plain">
    ${payouts.map(
      (payout) =>
        html`<li>
          <strong>${formatRupiah(payout.amount, language)}</strong> ${payoutBadge(visit, payout)}
          ${payout.settled_at !== null && exactMoment(visit, payout.settled_at)}
          ${payout.reference !== null && html`<span class="quiet">${payout.reference}</span>`}
        </li>`,
    )}
  </ul>`;
}

function payoutBadge({ t }: PageContext, payout: CampaignPayoutRow): Html {
  if (payout.status === 'settled') return badge(t('Sudah dicairkan', 'Settled'), 'good');
  if (payout.is_disputed) return badge(t('Ditahan: ada keluhan', 'Held: disputed'), 'bad');
  return payout.released_at === null
    ? badge(t('Menunggu barang diterima', 'Waits for the goods'), 'busy')
    : badge(t('Siap dikirim', 'Released'), 'good');
}
