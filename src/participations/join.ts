import { hash, randomBytes } from 'node:crypto';
import { query, type Queryable } from '../database/query.ts';
import { inApiWords } from '../database/status-words.ts';
import { domainErrorNamed, type DomainError } from '../errors/errors.ts';

/** One buyer's request for slots, with all the data on which its answer depends. */
export interface JoinRequest {
  readonly campaignId: string;
  /**
   * A new uuid v7 that the service has generated. When a batch is retried, the database finds out
   * by this id whether the join was applied already.
   */
  readonly participationId: string;
  readonly userId: string;
  readonly quantity: number;
  readonly shippingAddress: string;
  readonly note: string | null;
  /** The Idempotency-Key, if any. */
  readonly key: string | null;
  /** The caller, in the same form as in the audit log. */
  readonly actor: string;
}

/** The result of an accepted join. */
export interface Joined {
  readonly participationId: string;
  readonly joinedAt: Date;
  /**
   * True when the idempotency key was used before. The result is then the result of the first
   * request.
   */
  readonly replayed: boolean;
  /** The entry of the join in the public log. */
  readonly log: JoinLogEntry;
}

/** The first event of a participation in the public log (docs/public-log.md). */
export interface JoinLogEntry {
  /** The index of the leaf: the sequence number of the event minus one. */
  readonly index: number;
  readonly leafHash: Buffer;
  /** The salt of the commitment; null after the account of the buyer was deleted. */
  readonly salt: Buffer | null;
}

export type JoinAnswer = Joined | DomainError;

interface AnswerRow {
  readonly ordinal: number;
  readonly outcome: string;
  readonly params: object | null;
  readonly participation_id: string;
  readonly joined_at: Date;
  readonly replayed: boolean;
  readonly seq: bigint | null;
  readonly leaf_hash: Buffer | null;
  readonly salt: Buffer | null;
}

type Parameters = readonly [
  campaignIds: string[],
  participationIds: string[],
  userIds: string[],
  quantities: number[],
  addresses: string[],
  notes: (string | null)[],
  salts: Buffer[],
  keys: (string | null)[],
  requestHashes: (Buffer | null)[],
  actors: (string | null)[],
  callers: string[],
  attemptLimit: number,
  wait: boolean,
  again: boolean,
];

const joinCampaigns = query<Parameters, AnswerRow>(
  'join_campaigns',
  `select ordinal, outcome, params, participation_id, joined_at, replayed, seq, leaf_hash, salt
  from sambatan.join_campaigns($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
  { writes: true },
);

/** Options of one call of the database function join_campaigns. */
export interface JoinOptions {
  /** Maximum number of joins per minute and user; 0 means no limit. */
  readonly attemptLimit: number;
  /**
   * What to do when the row of a campaign is locked. True: wait, at most lock_timeout. False:
   * refuse the joins of this campaign at once.
   */
  readonly wait: boolean;
  /** True when the same batch was sent before and may have been committed. */
  readonly again: boolean;
}

/**
 * Applies a batch of joins in order of arrival. `db` runs a single statement, so the batch is one
 * transaction. Returns the answers in the order of the requests. If the row of a campaign is
 * locked, its joins get the answer `campaign_busy`.
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
    newSalts(grouped.length),
    grouped.map((request) => request.key),
    grouped.map((request) => (request.key === null ? null : requestHash(request))),
    // Null stands for the buyer.
    grouped.map(({ actor, userId }) => (actor === `user:${userId}` ? null : actor)),
    grouped.map((request) => request.userId),
    options.attemptLimit,
    options.wait,
    options.again,
  );
  const answers = new Map(rows.map((row) => [grouped[row.ordinal - 1], answerOf(row)]));
  return requests.map((request) => answers.get(request)!);
}

/** Groups the requests by campaign. Requests of the same campaign stay in order of arrival. */
function sideBySide(requests: readonly JoinRequest[]): readonly JoinRequest[] {
  const first = requests[0]?.campaignId;
  if (requests.every(({ campaignId }) => campaignId === first)) return requests;
  return [...Map.groupBy(requests, ({ campaignId }) => campaignId).values()].flat();
}

function answerOf(row: AnswerRow): JoinAnswer {
  if (row.outcome === 'joined') {
    if (row.seq === null || row.leaf_hash === null) {
      throw new Error('join_campaigns returned no entry in the log');
    }
    return {
      participationId: row.participation_id,
      joinedAt: row.joined_at,
      replayed: row.replayed,
      log: { index: Number(row.seq) - 1, leafHash: row.leaf_hash, salt: row.salt },
    };
  }
  const refused = domainErrorNamed(row.outcome, inApiWords(row.outcome, row.params));
  if (refused === undefined) throw new Error(`join_campaigns answered ${row.outcome}`);
  return refused;
}

const saltBytes = 32;

/** Returns a number of independent random salts for the commitments of the public log. */
function newSalts(count: number): Buffer[] {
  const bytes = randomBytes(count * saltBytes);
  return Array.from({ length: count }, (_, index) =>
    bytes.subarray(index * saltBytes, (index + 1) * saltBytes),
  );
}

/** Returns the hash of all fields that must be equal in requests with the same Idempotency-Key. */
function requestHash(request: JoinRequest): Buffer {
  const { userId, quantity, shippingAddress, note } = request;
  return hash('sha256', JSON.stringify([userId, quantity, shippingAddress, note]), 'buffer');
}
