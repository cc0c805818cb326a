import { query } from '../database/query.ts';

export type StatementLineStatus = 'unmatched' | 'ambiguous' | 'matched' | 'ignored';

export interface StatementLineRow {
  readonly line_id: string;
  readonly account_id: string;
  /** A day as the bank writes it, YYYY-MM-DD. */
  readonly booked_on: string;
  readonly amount: bigint;
  readonly description: string;
  readonly status: StatementLineStatus;
  readonly campaign_id: string | null;
  readonly participation_id: string | null;
  readonly outcome: string | null;
  readonly imported_at: Date;
  readonly handled_at: Date | null;
}

const columns = `line_id, account_id, booked_on::text as booked_on, amount, description, status,
    campaign_id, participation_id, outcome, imported_at, handled_at`;

/** Which of these fingerprints an account's statements have shown already. */
export const knownFingerprints = query<
  [accountId: string, fingerprints: Buffer[]],
  { readonly fingerprint: Buffer }
>(
  'known_fingerprints',
  `select fingerprint from sambatan.statement_lines
  where account_id = $1 and fingerprint = any ($2)`,
);

/** Keeps the lines that are new, and gives those. */
export const insertLines = query<
  [
    accountId: string,
    lineIds: string[],
    fingerprints: Buffer[],
    bookedOn: string[],
    amounts: bigint[],
    descriptions: string[],
    actor: string,
  ],
  { readonly line_id: string }
>(
  'insert_statement_lines',
  `insert into sambatan.statement_lines (account_id, line_id, fingerprint, booked_on, amount,
    description, imported_by, imported_at)
  select $1, u.line_id, u.fingerprint, u.booked_on::date, u.amount, u.description, $7,
    clock_timestamp()
  from unnest($2::uuid[], $3::bytea[], $4::text[], $5::bigint[], $6::text[])
    as u (line_id, fingerprint, booked_on, amount, description)
  on conflict (account_id, fingerprint) do nothing
  returning line_id`,
);

/** What each of several transfers to an account may be for. */
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

/** An open line, and whether there is a payment now that it may be for. */
export interface OpenLineRow {
  readonly line_id: string;
  readonly booked_on: string;
  readonly status: StatementLineStatus;
  readonly fits: boolean;
}

/** Lines of an account that nobody has handled, from before a place on, the newest day first. */
export const openLinesOf = query<
  [accountId: string, beforeDay: string | null, beforeId: string | null, limit: number],
  OpenLineRow
>(
  'open_lines_of',
  `select l.line_id, l.booked_on::text as booked_on, l.status,
    exists (select from sambatan.payments_for($1, l.amount, l.booked_on)) as fits
  from (
    select line_id, booked_on, status, amount from sambatan.statement_lines
    where status in ('unmatched', 'ambiguous') and account_id = $1
      and (booked_on, line_id) < (coalesce($2::text::date, 'infinity'::date),
        coalesce($3::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
    order by booked_on desc, line_id desc limit $4) l
  order by l.booked_on desc, l.line_id desc`,
);

/** How many lines of an account nobody has handled. */
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

export const matchLine = query<[lineId: string, actor: string], StatementLineRow>(
  'match_line',
  `select ${columns} from sambatan.match_line($1, $2)`,
);

export const assignLine = query<
  [lineId: string, campaignId: string, participationId: string, actor: string],
  StatementLineRow
>('assign_line', `select ${columns} from sambatan.assign_line($1, $2, $3, $4)`);

export const findLine = query<[lineId: string], StatementLineRow>(
  'find_statement_line',
  `select ${columns} from sambatan.statement_lines where line_id = $1`,
);

/** Sets an open line aside; no row when it is not open any more. */
export const ignoreLine = query<[lineId: string, reason: string, actor: string], StatementLineRow>(
  'ignore_line',
  `update sambatan.statement_lines set status = 'ignored', outcome = $2, handled_by = $3,
    handled_at = clock_timestamp()
  where line_id = $1 and status in ('unmatched', 'ambiguous')
  returning ${columns}`,
);

/** A page of the lines that wait for a person, the oldest day first. */
export const listOpenLines = query<
  [afterDay: string | null, afterId: string | null, limit: number],
  StatementLineRow
>(
  'list_open_lines',
  `select ${columns} from sambatan.statement_lines
  where status in ('unmatched', 'ambiguous')
    and (booked_on, line_id) > (coalesce($1::text::date, date '2000-01-01'),
      coalesce($2::uuid, '00000000-0000-0000-0000-000000000000'))
  order by booked_on, line_id limit $3`,
);
