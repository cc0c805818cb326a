import { hash } from 'node:crypto';
import { query, type Queryable } from '../database/query.ts';
import { inApiWords } from '../database/status-words.ts';
import { domainErrorNamed, type DomainError } from '../errors/errors.ts';

/** One buyer's wish for slots, with everything that its answer depends on. */
export interface JoinRequest {
  readonly campaignId: string;
  /** A new uuid v7, made by the service: it also tells a batch that is sent again what it did. */
  readonly participationId: string;
  readonly userId: string;
  readonly quantity: number;
  readonly shippingAddress: string;
  readonly note: string | null;
  /** The Idempotency-Key, if there was one. */
  readonly key: string | null;
  /** How the audit log names who did it. */
  readonly actor: string;
}

/** What a join that was taken has become. */
export interface Joined {
  readonly participationId: string;
  readonly joinedAt: Date;
  /** The key had been answered before; this is that answer. */
  readonly replayed: boolean;
}

export type JoinAnswer = Joined | DomainError;

interface AnswerRow {
  readonly ordinal: number;
  readonly outcome: string;
  readonly params: object | null;
  readonly participation_id: string;
  readonly joined_at: Date;
  readonly replayed: boolean;
}

type Parameters = readonly [
  campaignIds: string[],
  participationIds: string[],
  userIds: string[],
  quantities: number[],
  addresses: string[],
  notes: (string | null)[],
  keys: (string | null)[],
  requestHashes: (Buffer | null)[],
  actors: string[],
  callers: string[],
  attemptLimit: number,
  wait: boolean,
  again: boolean,
];

const joinCampaigns = query<Parameters, AnswerRow>(
  'join_campaigns',
  `select ordinal, outcome, params, participation_id, joined_at, replayed
  from sambatan.join_campaigns($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
);

/** How one call of the database function is to be made. */
export interface JoinOptions {
  /** Joins a minute and user; 0 for no limit. */
  readonly attemptLimit: number;
  /** Whether to wait (as long as lock_timeout allows) for a campaign that somebody else holds. */
  readonly wait: boolean;
  /** Whether the same batch was sent before and may have been committed. */
  readonly again: boolean;
}

/**
 * Takes a batch of joins, in order of arrival, in one transaction: `db` runs this one statement as
 * a transaction of its own. Gives each request's own answer, in the same order. A refusal that only
 * says that the campaign's row is taken is `campaign_busy`.
 */
export async function joinAll(
  db: Queryable,
  requests: readonly JoinRequest[],
  options: JoinOptions,
): Promise<JoinAnswer[]> {
  const grouped = sideBySide(requests);
  const rows = await db.rows(
    joinCampaigns,
    grouped.map((request) => request.campaignId),
    grouped.map((request) => request.participationId),
    grouped.map((request) => request.userId),
    grouped.map((request) => request.quantity),
    grouped.map((request) => request.shippingAddress),
    grouped.map((request) => request.note),
    grouped.map((request) => request.key),
    grouped.map((request) => (request.key === null ? null : requestHash(request))),
    grouped.map((request) => request.actor),
    grouped.map((request) => request.userId),
    options.attemptLimit,
    options.wait,
    options.again,
  );
  const answers = new Map(rows.map((row) => [grouped[row.ordinal - 1], answerOf(row)]));
  return requests.map((request) => answers.get(request)!);
}

/** The requests of one campaign side by side, each campaign's in order of arrival. */
function sideBySide(requests: readonly JoinRequest[]): readonly JoinRequest[] {
  const first = requests[0]?.campaignId;
  if (requests.every(({ campaignId }) => campaignId === first)) return requests;
  return [...Map.groupBy(requests, ({ campaignId }) => campaignId).values()].flat();
}

function answerOf(row: AnswerRow): JoinAnswer {
  if (row.outcome === 'joined') {
    return {
      participationId: row.participation_id,
      joinedAt: row.joined_at,
      replayed: row.replayed,
    };
  }
  const refused = domainErrorNamed(row.outcome, inApiWords(row.outcome, row.params));
  if (refused === undefined) throw new Error(`join_campaigns answered ${row.outcome}`);
  return refused;
}

/** What must be the same for the same Idempotency-Key to be the same request. */
function requestHash(request: JoinRequest): Buffer {
  const { userId, quantity, shippingAddress, note } = request;
  return hash('sha256', JSON.stringify([userId, quantity, shippingAddress, note]), 'buffer');
}
