import type { PageDeps } from '../../deps.ts';
import { sendPage, type PagePlugin } from '../../../http/page-response.ts';
import {
  balanceSides,
  viewSellerStatement,
  type SellerStatement,
} from '../../../ledger/books/operations.ts';
import type { CampaignPayoutRow } from '../../../ledger/payouts/queries.ts';
import { badge, exactMoment, notice } from '../../../web/components.ts';
import { formatRupiah } from '../../../i18n/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { idParam } from '../../kit/params.ts';
import { requireSignedIn } from '../../kit/signed-in.ts';
import { scrollingTable } from '../../../web/table.ts';

/**
 * Registers the page with the money of a campaign for its seller. It can be printed, and every
 * rupiah appears both as received and as used.
 */
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
  const title = t('seller.statement.moneyStatement');
  const money = (amount: bigint) => formatRupiah(amount, language);
  const fee = money(books.fee);
  const twice = books.owed_back + books.lost;
  const main = html`<p class="crumbs no-print">
      <a href="${url(`/toko/sambatan/${campaign.id}`)}">${campaign.title}</a>
    </p>
    <div class="row apart shop-head">
      <h1>${title}</h1>
      <button class="button no-print" type="button" data-print data-needs-script hidden>
        ${t('common.print')}
      </button>
    </div>
    <p>
      ${campaign.brand_name} · ${campaign.title}<br />
      <span class="quiet">${t('seller.statement.asOf')} ${exactMoment(visit, visit.now)}</span>
    </p>
    ${statementSide(visit, 'in', t('seller.statement.moneyIn'), sums.in, [
      [t('seller.statement.paymentsOfOrders'), books.paid],
      [t('seller.statement.uniqueCodesAdjustment'), books.unique_codes],
      [t('seller.statement.tooLateTwiceOrTooMuch'), books.credits],
      [t('seller.statement.transfersOutThatCameBack'), books.returned],
      [t('seller.statement.notPaidByBuyersYet'), books.receivable],
      ...(twice === 0n ? [] : [[t('seller.statement.sentTwiceBorneBySambatan'), twice] as const]),
    ])}
    ${statementSide(visit, 'for', t('seller.statement.whatItIs'), sums.for, [
      [t('seller.statement.yourShare'), books.gross - books.fee],
      [t('seller.statement.feeOfSambatan'), books.fee],
      [t('seller.statement.refundsDue'), books.refunds_due],
      [t('seller.statement.refundsSettled'), books.refunds_settled],
      [t('seller.statement.uniqueCodesThatStay'), books.codes_kept],
      [t('seller.statement.payoutsThatCameBack'), books.payouts_returned],
    ])}
    ${
      sums.in === sums.for
        ? notice(
            'good',
            t('seller.statement.itBalancesToTheRupiah'),
            html`${money(sums.in)} = ${money(sums.for)}`,
          )
        : notice(
            'bad',
            t('seller.statement.itDoesNotBalance'),
            t('seller.statement.theDifferenceIsPleaseTell', { in: money(sums.in - sums.for) }),
          )
    }
    <section class="panel" aria-labelledby="payout">
      <h2 id="payout">${t('seller.statement.paidOutTo')}</h2>
      <dl class="facts">
        <dt>${t('seller.statement.valueOfWhatYouDeliver')}</dt>
        <dd>${money(books.gross)}</dd>
        <dt>${t('seller.statement.lessTheFee')}</dt>
        <dd>${fee}</dd>
        <dt>${t('seller.statement.due')}</dt>
        <dd>${money(books.payouts_due)}</dd>
        <dt>${t('seller.statement.settled')}</dt>
        <dd>${money(books.payouts_settled)}</dd>
        <dt>${t('seller.statement.inHandAtSambatan')}</dt>
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
          { head: t('seller.statement.kind'), isRowHead: true, cell: ([words]) => words },
          {
            head: t('common.amount'),
            isNumber: true,
            cell: ([, amount]) => formatRupiah(amount, language),
          },
        ],
        foot: html`<tr>
          <th scope="row">${t('seller.statement.sum')}</th>
          <td class="number"><strong>${formatRupiah(sum, language)}</strong></td>
        </tr>`,
      },
    )}
  </section>`;
}

function payoutList(visit: PageContext, payouts: readonly CampaignPayoutRow[]): Html {
  const { t, language } = visit;
  if (payouts.length === 0) {
    return html`<p class="quiet">${t('seller.statement.aPayoutAppearsOnceTheCampaign')}</p>`;
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
  if (payout.status === 'settled') return badge(t('seller.statement.settled'), 'good');
  if (payout.is_disputed) return badge(t('common.onHoldDispute'), 'bad');
  return payout.released_at === null
    ? badge(t('common.awaitingDelivery'), 'busy')
    : badge(t('seller.statement.released'), 'good');
}
