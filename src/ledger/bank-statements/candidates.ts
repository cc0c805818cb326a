import { query } from '../../database/query.ts';
import { toTransfer } from '../payments/rupiah.ts';
import type { StatementLineRow } from './queries.ts';

/** An open payment to which a transfer may belong, with the names of its buyer. */
export interface OpenPaymentRow {
  readonly campaign_id: string;
  readonly participation_id: string;
  readonly user_id: string;
  readonly account_id: string | null;
  readonly amount: bigint;
  readonly unique_code: number;
  readonly display_name: string | null;
  readonly holder: string | null;
}

/** Query for the newest open payments, newest first. */
export const newestOpenPayments = query<[limit: number], OpenPaymentRow>(
  'newest_open_payments',
  `select t.campaign_id, t.participation_id, p.user_id, t.account_id, t.amount, t.unique_code,
    f.display_name, r.holder
  from (
    (select campaign_id, participation_id, account_id, amount, unique_code, created_at
    from sambatan.transactions where kind = 'payment' and status = 'due'
    order by created_at desc, transaction_id desc limit $1)
    union all
    (select campaign_id, participation_id, account_id, amount, unique_code, created_at
    from sambatan.transactions where kind = 'payment' and status = 'proof_submitted'
    order by created_at desc, transaction_id desc limit $1)
    union all
    (select campaign_id, participation_id, account_id, amount, unique_code, created_at
    from sambatan.transactions where kind = 'payment' and status = 'rejected'
    order by created_at desc, transaction_id desc limit $1)) t
  join sambatan.participants p on p.campaign_id = t.campaign_id
    and p.participation_id = t.participation_id
  left join sambatan.profiles f on f.user_id = p.user_id
  left join sambatan.refund_accounts r on r.user_id = p.user_id
  order by t.created_at desc limit $1`,
);

/** Query for open lines of an account that may belong to the same payments, newest first. */
export const newestOpenLines = query<
  [accountId: string, limit: number],
  Pick<StatementLineRow, 'line_id' | 'booked_on' | 'amount' | 'description'>
>(
  'newest_open_lines',
  `select line_id, booked_on::text as booked_on, amount, description
  from sambatan.statement_lines
  where status in ('unmatched', 'ambiguous', 'allocated') and account_id = $1
    and duplicate_of is null
  order by booked_on desc, line_id desc limit $2`,
);

export const candidateReasons = [
  'exact',
  'several_orders',
  'together',
  'near_sum',
  'digit_typo',
  'missing_code',
  'name',
] as const;
export type CandidateReason = (typeof candidateReasons)[number];

/** A possible allocation of a statement line, with the reason why it fits. */
export interface Candidate {
  readonly reason: CandidateReason;
  /** Whether the line's description contains the name of the buyer too. */
  readonly named: boolean;
  /** The participations that the line would pay for, and the amount for each. */
  readonly parts: readonly { readonly participation_id: string; readonly amount: bigint }[];
  /** Ids of other lines that pay for the same participation together with this line. */
  readonly lines: readonly string[];
  /** Rupiah above the expected sum; negative if too little arrived. */
  readonly difference: bigint;
}

type Line = Pick<StatementLineRow, 'line_id' | 'booked_on' | 'amount' | 'description'>;

/** Maximum number of a buyer's orders that one transfer may pay together. */
const maxOrders = 6;
/**
 * Maximum difference in rupiah between a transfer of almost the right sum and the total of a
 * payment.
 */
const maxOff = 10n;
const maxDaysApart = 14;
const maxCandidates = 8;
/**
 * Maximum number of payments of the same price that are listed if the line contains no buyer's
 * name.
 */
const maxUnnamed = 5;

/**
 * Finds candidates for statement lines among the open payments. Create it once for all lines of a
 * page.
 */
export class CandidateFinder {
  readonly #payments: readonly OpenPaymentRow[];
  readonly #byTotal: ReadonlyMap<bigint, OpenPaymentRow[]>;
  readonly #byAmount: ReadonlyMap<bigint, OpenPaymentRow[]>;
  readonly #sets: ReadonlyMap<bigint, readonly (readonly OpenPaymentRow[])[]>;

  constructor(payments: readonly OpenPaymentRow[]) {
    this.#payments = payments;
    this.#byTotal = Map.groupBy(payments, toTransfer);
    this.#byAmount = Map.groupBy(payments, ({ amount }) => amount);
    this.#sets = setsBySum(payments);
  }

  /**
   * Returns the candidates for a line, most likely first. `others` are open lines of the same
   * account. `exact` are participations with a payment of exactly the line's amount.
   */
  find(line: Line, others: readonly Line[], exact: readonly string[] = []): readonly Candidate[] {
    const words = wordsOf(line.description);
    const found = [
      ...exact.map((participation_id) => ({
        reason: 'exact' as const,
        named: false,
        parts: [{ participation_id, amount: line.amount }],
        lines: [],
        difference: 0n,
      })),
      ...this.#exact(line, words),
      ...this.#severalOrders(line, words),
      ...this.#together(line, others, words),
      ...this.#near(line, words),
      ...this.#byName(line, words),
    ];
    const seen = new Set<string>();
    return found
      .toSorted((one, two) => rankOf(one) - rankOf(two))
      .filter(({ parts, lines }) => {
        const key = [...parts.map(({ participation_id: id }) => id), ...lines].toSorted().join(' ');
        const isNew = !seen.has(key);
        seen.add(key);
        return isNew;
      })
      .slice(0, maxCandidates);
  }

  #exact(line: Line, words: ReadonlySet<string>): Candidate[] {
    const fitting = this.#byTotal.get(line.amount) ?? [];
    return fitting.map((payment) => single('exact', line, payment, words));
  }

  /**
   * Finds several orders of one buyer that the line pays together, also if the buyer left out some
   * or all unique codes.
   */
  #severalOrders(line: Line, words: ReadonlySet<string>): Candidate[] {
    return (this.#sets.get(line.amount) ?? []).map((set) => {
      const total = sumOf(set, toTransfer);
      const amountOf = total <= line.amount ? toTransfer : (one: OpenPaymentRow) => one.amount;
      return {
        reason: 'several_orders',
        named: isNamed(set[0]!, words),
        parts: set.map((one) => ({
          participation_id: one.participation_id,
          amount: amountOf(one),
        })),
        lines: [],
        difference: line.amount - total,
      };
    });
  }

  #together(line: Line, others: readonly Line[], words: ReadonlySet<string>): Candidate[] {
    return others
      .filter(
        (other) =>
          other.line_id !== line.line_id &&
          Math.abs(daysBetween(other.booked_on, line.booked_on)) <= maxDaysApart,
      )
      .flatMap((other) => {
        const sum = line.amount + other.amount;
        const both = new Set([...words, ...wordsOf(other.description)]);
        const exact = this.#byTotal.get(sum) ?? [];
        const bare = (this.#byAmount.get(sum) ?? []).filter((one) => isNamed(one, both));
        return [...exact, ...bare].map((payment) => ({
          reason: 'together' as const,
          named: isNamed(payment, both),
          parts: [{ participation_id: payment.participation_id, amount: line.amount }],
          lines: [other.line_id],
          difference: sum - toTransfer(payment),
        }));
      });
  }

  #near(line: Line, words: ReadonlySet<string>): Candidate[] {
    const bare = (this.#byAmount.get(line.amount) ?? []).map((payment) =>
      single('missing_code', line, payment, words),
    );
    const named = bare.filter((one) => one.named);
    const near: Candidate[] = [];
    for (const payment of this.#payments) {
      const total = toTransfer(payment);
      const off = line.amount - total;
      if (off === 0n) continue;
      if (off >= -maxOff && off <= maxOff) near.push(single('near_sum', line, payment, words));
      else if (isTypo(line.amount, total)) near.push(single('digit_typo', line, payment, words));
    }
    return [...(named.length === 0 && bare.length <= maxUnnamed ? bare : named), ...near];
  }

  #byName(line: Line, words: ReadonlySet<string>): Candidate[] {
    return this.#payments
      .filter((payment) => isNamed(payment, words))
      .map((payment) => single('name', line, payment, words));
  }
}

function single(
  reason: CandidateReason,
  line: Line,
  payment: OpenPaymentRow,
  words: ReadonlySet<string>,
): Candidate {
  return {
    reason,
    named: isNamed(payment, words),
    parts: [{ participation_id: payment.participation_id, amount: line.amount }],
    lines: [],
    difference: line.amount - toTransfer(payment),
  };
}

function rankOf({ reason, named, difference }: Candidate): number {
  const off = difference < 0n ? -difference : difference;
  const closeness = Number(off > 1_000_000n ? 1_000_000n : off) / 1_000_001;
  return candidateReasons.indexOf(reason) + (named ? 0 : 3) + closeness;
}

/**
 * Returns sets of two or more open payments of one buyer, indexed by the sums that may pay them.
 */
function setsBySum(payments: readonly OpenPaymentRow[]) {
  const sets = new Map<bigint, (readonly OpenPaymentRow[])[]>();
  for (const own of Map.groupBy(payments, ({ user_id }) => user_id).values()) {
    const some = own.slice(0, maxOrders);
    for (let mask = 3; mask < 1 << some.length; mask++) {
      const set = some.filter((_, index) => (mask & (1 << index)) !== 0);
      if (set.length < 2) continue;
      const sums = new Set([sumOf(set, toTransfer), sumOf(set, ({ amount }) => amount)]);
      // The buyer may have added the unique code of only one of the payments.
      const [bare = 0n] = [sumOf(set, ({ amount }) => amount)];
      for (const { unique_code } of set) sums.add(bare + BigInt(unique_code));
      for (const sum of sums) sets.set(sum, [...(sets.get(sum) ?? []), set]);
    }
  }
  return sets;
}

function sumOf(set: readonly OpenPaymentRow[], worth: (one: OpenPaymentRow) => bigint): bigint {
  return set.reduce((sum, one) => sum + worth(one), 0n);
}

/** True if one digit was mistyped or two neighbouring digits were swapped. */
export function isTypo(typed: bigint, meant: bigint): boolean {
  const [one, two] = [String(typed), String(meant)];
  if (one.length !== two.length) return false;
  const wrong = [...one].flatMap((digit, index) => (digit === two[index] ? [] : [index]));
  if (wrong.length === 1) return true;
  const [first = 0, second = 0] = wrong;
  return (
    wrong.length === 2 &&
    second === first + 1 &&
    one[first] === two[second] &&
    one[second] === two[first]
  );
}

/** Bank words and titles that are not part of a name. */
const noNames = new Set(
  'trsf transfer banking ebanking bifast bi fast dari from via atm switching cr db ftscy ftfva ws95051 setoran tunai pt cv tbk bpk ibu sdr sdri dan and bank bca bri bni bsi mandiri'.split(
    ' ',
  ),
);

function wordsOf(text: string): ReadonlySet<string> {
  return new Set(
    text
      .normalize('NFKD')
      .toLowerCase()
      .split(/[^\p{L}]+/u)
      .filter((word) => word.length >= 3 && !noNames.has(word)),
  );
}

/**
 * True if the description contains most of the buyer's name, or of the holder of the buyer's bank
 * account.
 */
function isNamed({ display_name, holder }: OpenPaymentRow, words: ReadonlySet<string>): boolean {
  return [display_name, holder].some((name) => {
    const own = [...wordsOf(name ?? '')];
    // Banks truncate names, so the last word may be incomplete.
    const found = own.filter(
      (word) => words.has(word) || [...words].some((one) => word.startsWith(one)),
    );
    return found.some((word) => word.length >= 4) && found.length * 2 >= own.length;
  });
}

function daysBetween(one: string, two: string): number {
  return (Date.parse(one) - Date.parse(two)) / 86_400_000;
}
