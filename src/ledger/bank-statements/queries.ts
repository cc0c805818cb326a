import { query } from '../../database/query.ts';

export const statementLineStatuses = [
  'unmatched',
  'ambiguous',
  'allocated',
  'matched',
  'ignored',
] as const;
export type StatementLineStatus = (typeof statementLineStatuses)[number];

export interface StatementLineRow {
  readonly line_id: string;
  readonly account_id: string;
  /** The booking day that the bank states, YYYY-MM-DD. */
  readonly booked_on: string;
  /** The time, if the bank states it. */
  readonly booked_at: Date | null;
  readonly amount: bigint;
  readonly description: string;
  readonly reference: string | null;
  readonly status: StatementLineStatus;
  /** Also null for a line that was divided over several participations. */
  readonly campaign_id: string | null;
  readonly participation_id: string | null;
  readonly outcome: string | null;
  /** A line from another file that may be the same transfer. */
  readonly duplicate_of: string | null;
  readonly imported_at: Date;
  readonly handled_at: Date | null;
}

const columns = `line_id, account_id, booked_on::text as booked_on, booked_at, amount, description,
    reference, status, campaign_id, participation_id, outcome, duplicate_of, imported_at, handled_at`;

/** Query for the payments that each of several transfers to an account may be for. */
export const paymentsFor = query<
  [accountId: string, amounts: bigint[], bookedOn: string[]],
  {
    readonly ordinal: number;
    readonly campaign_id: string;
    readonly participation_id: string;
    readonly is_known: boolean;
  }
>(
  'payments_for',
  `select u.ordinal::integer, f.campaign_id, f.participation_id, f.is_known
  from unnest($2::bigint[], $3::text[]) with ordinality as u (amount, booked_on, ordinal)
  cross join lateral sambatan.payments_for($1, u.amount, u.booked_on::date) f
  order by u.ordinal, f.participation_id`,
);

/** An open line, and whether a payment fits it now. */
export interface OpenLineRow {
  readonly line_id: string;
  readonly booked_on: string;
  readonly status: StatementLineStatus;
  readonly fits: boolean;
}

/**
 * Query for open lines of an account that matching may use, newest day first, starting at a cursor.
 */
export const openLinesOf = query<
  [accountId: string, beforeDay: string | null, beforeId: string | null, limit: number],
  OpenLineRow
>(
  'open_lines_of',
  `select l.line_id, l.booked_on::text as booked_on, l.status,
    exists (select 1 from sambatan.payments_for($1, l.amount, l.booked_on)) as fits
  from (
    select line_id, booked_on, status, amount from sambatan.statement_lines
    where status in ('unmatched', 'ambiguous') and account_id = $1 and duplicate_of is null
      and (booked_on, line_id) < (coalesce($2::text::date, 'infinity'::date),
        coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    order by booked_on desc, line_id desc limit $4) l
  order by l.booked_on desc, l.line_id desc`,
);

/** Query for the number of open lines of an account. */
export const countOpenLines = query<
  [accountId: string],
  { readonly unmatched: number; readonly ambiguous: number }
>(
  'count_open_lines',
  `select (count(*) filter (where status = 'unmatched'))::integer as unmatched,
    (count(*) filter (where status = 'ambiguous'))::integer as ambiguous
  from sambatan.statement_lines
  where status in ('unmatched', 'ambiguous') and account_id = $1`,
);

/** Matches open lines with the payments that they fit. Returns the lines that were settled. */
export const matchLines = query<[lineIds: string[], actor: string], StatementLineRow>(
  'match_lines',
  `select ${columns} from sambatan.match_lines($1, $2)`,
  { changes: 'rows' },
);

export const assignLine = query<
  [lineId: string, campaignId: string, participationId: string, refund: boolean, actor: string],
  StatementLineRow
>('assign_line', `select ${columns} from sambatan.assign_line($1, $2, $3, $4, $5)`, {
  changes: 'rows',
});

/** The part of a line that pays for one participation. */
export interface LinePartRow {
  readonly line_id: string;
  readonly campaign_id: string;
  readonly participation_id: string;
  readonly amount: bigint;
  /** Null until the line is settled. */
  readonly outcome: string | null;
}

export const partsOfLines = query<[lineIds: string[]], LinePartRow>(
  'parts_of_lines',
  `select line_id, campaign_id, participation_id, amount, outcome
  from sambatan.statement_line_parts where line_id = any ($1) order by line_id, part`,
);

/** Allocates a line to participations without settling it; an empty list removes the allocation. */
export const allocateLine = query<
  [
    lineId: string,
    campaignIds: string[],
    participationIds: string[],
    amounts: bigint[],
    actor: string,
  ],
  StatementLineRow
>('allocate_line', `select ${columns} from sambatan.allocate_line($1, $2, $3, $4, $5)`, {
  writes: true,
});

/** Settles divided lines, all or none. */
export const countLines = query<
  [lineIds: string[], refund: boolean, actor: string],
  { readonly done: string }
>('count_lines', `select sambatan.count_lines($1, $2, $3)::text as done`, { writes: true });

export const findLine = query<[lineId: string], StatementLineRow>(
  'find_statement_line',
  `select ${columns} from sambatan.statement_lines where line_id = $1`,
);

export const findLines = query<[lineIds: string[]], StatementLineRow>(
  'find_statement_lines',
  `select ${columns} from sambatan.statement_lines where line_id = any ($1)
  order by booked_on, line_id`,
);

/**
 * Query for allocated lines that pay for the same participation as the given line, including that
 * line.
 */
export const allocatedTogether = query<[lineId: string], StatementLineRow>(
  'allocated_together',
  `select ${columns} from sambatan.statement_lines
  where status = 'allocated' and line_id in (
    select o.line_id from sambatan.statement_line_parts own
    join sambatan.statement_line_parts o on o.campaign_id = own.campaign_id
      and o.participation_id = own.participation_id
    where own.line_id = $1 and own.outcome is null and o.outcome is null)
  order by booked_on, line_id`,
);

/**
 * Marks an open line as unrelated to any participation. Returns no row if the line is no longer
 * open.
 */
export const ignoreLine = query<[lineId: string, reason: string, actor: string], StatementLineRow>(
  'ignore_line',
  `with undone as (
    delete from sambatan.statement_line_parts p using sambatan.statement_lines l
    where p.line_id = $1 and l.line_id = p.line_id and l.status = 'allocated')
  update sambatan.statement_lines set status = 'ignored', outcome = $2, handled_by = $3,
    handled_at = clock_timestamp()
  where line_id = $1 and status in ('unmatched', 'ambiguous', 'allocated')
  returning ${columns}`,
);

/** Query for a page of lines that a person must handle, oldest day first. */
export const listOpenLines = query<
  [afterDay: string | null, afterId: string | null, limit: number],
  StatementLineRow
>(
  'list_open_lines',
  `select ${columns} from sambatan.statement_lines
  where status in ('unmatched', 'ambiguous', 'allocated')
    and (booked_on, line_id) > (coalesce($1::text::date, date '2000-01-01'),
      coalesce($2::uuid, '00000000-0000-0000-0000-000000000000'))
  order by booked_on, line_id limit $3`,
);
