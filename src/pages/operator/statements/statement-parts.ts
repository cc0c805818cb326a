import type { ParticipationSummaryRow } from '../../../ledger/work-queues/queries.ts';
import type { OpenLine } from '../../../ledger/bank-statements/open-lines.ts';
import type { ReceivingAccountRow } from '../../../ledger/bank-accounts/queries.ts';
import type { Candidate } from '../../../ledger/bank-statements/candidates.ts';
import { badge, emptyState } from '../../../web/components.ts';
import { formatRupiah, formatSlots, formatDay } from '../../../i18n/format.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { fieldOf, collapsibleForm, reasonOf } from '../kit/parts.ts';

export type Subjects = ReadonlyMap<string, ParticipationSummaryRow>;

/** Returns the list of statement lines that an operator must handle. */
export function openList(
  visit: PageContext,
  listPath: string,
  {
    lines,
    subjects,
    accounts,
  }: {
    readonly lines: readonly OpenLine[];
    readonly subjects: Subjects;
    readonly accounts: readonly ReceivingAccountRow[];
  },
): Html {
  const { t } = visit;
  const banks = new Map(accounts.map((row) => [row.account_id, row]));
  return html`<h2>${t('operator.statementParts.transfersToReview')}</h2>
    ${
      lines.length === 0
        ? emptyState(
            t('operator.statementParts.noTransfersToReview'),
            t('operator.statementParts.transfersThatFitNoPayment'),
          )
        : lines.map((line) =>
            openEntry(visit, listPath, line, subjects, banks.get(line.account_id)),
          )
    }`;
}

function openEntry(
  visit: PageContext,
  listPath: string,
  line: OpenLine,
  subjects: Subjects,
  bank: ReceivingAccountRow | undefined,
): Html {
  const { t, url } = visit;
  const { line_id: id } = line;
  return html`<article class="panel">
    ${lineHead(visit, line, 3)} ${lineFacts(visit, line, bank)}
    ${candidateForms(visit, listPath, line, subjects)}
    <p>
      <a class="button quiet" href="${url(`${listPath}/${id}`)}"
        >${
          line.status === 'allocated'
            ? t('operator.statementParts.reviewAndRecord')
            : t('operator.statementParts.divideCombineOrFindTheBuyer')
        }</a
      >
    </p>
    ${setAsideForm(visit, listPath, line)}
  </article>`;
}

/**
 * Returns the heading of a line: its amount and its state. The level of the heading depends on the
 * page.
 */
export function lineHead(visit: PageContext, line: OpenLine, level: 2 | 3): Html {
  const { t, language } = visit;
  const amount = formatRupiah(line.amount, language);
  const words = {
    ambiguous: badge(t('common.severalMatches'), 'busy'),
    unmatched: badge(t('common.noMatch'), 'bad'),
    allocated: badge(t('operator.statementParts.dividedNotRecordedYet'), 'busy'),
    matched: badge(t('operator.statementParts.recorded'), 'good'),
    ignored: badge(t('operator.statementParts.setAside')),
  };
  return html`<div class="row apart">
    ${level === 2 ? html`<h2>${amount}</h2>` : html`<h3>${amount}</h3>`}
    ${
      line.duplicate_of !== null && line.status === 'unmatched'
        ? badge(t('common.possiblyImportedBadge'), 'busy')
        : words[line.status]
    }
  </div>`;
}

export function lineFacts(
  visit: PageContext,
  line: OpenLine,
  bank: ReceivingAccountRow | undefined,
): Html {
  const { t } = visit;
  return html`<dl class="facts">
    <dt>${t('common.description')}</dt>
    <dd>${line.description || '–'}</dd>
    <dt>${t('common.date')}</dt>
    <dd>${formatDay(line.booked_on, visit.language)}</dd>
    ${
      bank &&
      html`<dt>${t('common.bankAccount')}</dt>
        <dd>${bank.bank} <code>${bank.number}</code></dd>`
    }
    ${
      line.duplicate_of !== null &&
      html`<dt>${t('operator.statementParts.note')}</dt>
        <dd>${t('operator.statementParts.aTransferOfTheSameAmount')}</dd>`
    }
  </dl>`;
}

/**
 * Returns a button for each suggested allocation of the line, with the reason for the suggestion.
 */
export function candidateForms(
  visit: PageContext,
  listPath: string,
  line: OpenLine,
  subjects: Subjects,
): Html | undefined {
  const { t } = visit;
  if (line.candidates.length === 0) return undefined;
  return html`<p>${t('operator.statementParts.possibleMatches')}</p>
    <ul class="plain stack">
      ${line.candidates.map(
        (candidate) => html`<li>${candidateForm(visit, listPath, line, candidate, subjects)}</li>`,
      )}
    </ul>`;
}

function candidateForm(
  visit: PageContext,
  listPath: string,
  line: OpenLine,
  candidate: Candidate,
  subjects: Subjects,
): Html {
  const { url, language } = visit;
  const { parts, lines } = candidate;
  const names = parts.map(({ participation_id: id, amount }) =>
    parts.length > 1
      ? `${orderName(visit, id, subjects)} (${formatRupiah(amount, language)})`
      : orderName(visit, id, subjects),
  );
  const [only] = parts;
  const words = html`<button class="button quiet">${names.join(' + ')}</button>
    <span class="quiet">${reasonWords(visit, candidate)}</span>`;
  if (parts.length === 1 && lines.length === 0) {
    return html`<form
      class="row"
      method="post"
      action="${url(`${listPath}/${line.line_id}/tujuan`)}"
    >
      <input type="hidden" name="participation_id" value="${only!.participation_id}" />${words}
    </form>`;
  }
  if (lines.length > 0) {
    return html`<form
      class="row"
      method="post"
      action="${url(`${listPath}/${line.line_id}/gabung`)}"
    >
      <input type="hidden" name="participation_id" value="${only!.participation_id}" />
      <input type="hidden" name="lines" value="${lines.join(' ')}" />${words}
    </form>`;
  }
  return html`<form class="row" method="post" action="${url(`${listPath}/${line.line_id}/bagi`)}">
    ${parts.map(
      ({ participation_id, amount }, index) =>
        html`<input type="hidden" name="participation_${index + 1}" value="${participation_id}" />
          <input type="hidden" name="amount_${index + 1}" value="${amount.toString()}" />`,
    )}${words}
  </form>`;
}

/**
 * Returns the reason why a payment is suggested, and the difference between its amount and the
 * line.
 */
function reasonWords(
  visit: PageContext,
  { reason, named: isNamed, difference }: Candidate,
): string {
  const { t, language } = visit;
  const reasons = {
    exact: t('operator.statementParts.theExactAmount'),
    several_orders: t('operator.statementParts.severalOrdersOfOneBuyer'),
    together: t('operator.statementParts.togetherWithAnotherTransfer'),
    near_sum: t('operator.statementParts.nearlyTheAmount'),
    digit_typo: t('operator.statementParts.oneDigitDiffers'),
    missing_code: t('operator.statementParts.withoutTheUniqueCode'),
    name: t('operator.statementParts.nameInTheDescription'),
  };
  const off =
    difference === 0n
      ? []
      : [
          difference < 0n
            ? t('operator.statementParts.short', {
                difference: formatRupiah(-difference, language),
              })
            : t('operator.statementParts.over', { difference: formatRupiah(difference, language) }),
        ];
  const name = isNamed && reason !== 'name' ? [t('operator.statementParts.theNameFits')] : [];
  return [reasons[reason], ...name, ...off].join(' · ');
}

export function setAsideForm(
  visit: PageContext,
  listPath: string,
  { line_id: id }: OpenLine,
): Html {
  const { t } = visit;
  return collapsibleForm(
    visit,
    {
      path: `${listPath}/${id}/sisihkan`,
      words: t('operator.statementParts.notForAnyCampaign'),
      button: t('operator.statementParts.setAside2'),
      danger: true,
    },
    reasonOf(visit, id),
  );
}

/**
 * Returns a form that allocates a line to the order with a given id. The buyer or another page can
 * supply that id.
 */
export function assignForm(visit: PageContext, listPath: string, { line_id: id }: OpenLine): Html {
  const { t } = visit;
  return collapsibleForm(
    visit,
    {
      path: `${listPath}/${id}/tujuan`,
      words: t('operator.statementParts.assignByOrderID'),
      button: t('operator.statementParts.assign'),
    },
    html`${fieldOf(id, 'participation_id', t('operator.statementParts.orderID'), {
        required: true,
        maxlength: 36,
      })}
      <div class="field check">
        <label
          ><input type="checkbox" name="refund" value="on" /><span
            >${t('common.ifTooLittleRefund')}</span
          ></label
        >
      </div>`,
  );
}

/** Returns the buyer and the campaign of an order as a text. */
export function orderName(visit: PageContext, id: string, subjects: Subjects): string {
  const row = subjects.get(id);
  if (row === undefined) return `…${id.slice(-12)}`;
  const name = row.display_name ?? row.email ?? `…${id.slice(-12)}`;
  return `${name} · ${row.title} · ${formatSlots(row.quantity, visit.language)}`;
}
