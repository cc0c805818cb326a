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
  readonly request_id: string;
  readonly outcome: string;
  readonly params: object | null;
  readonly participation_id: string;
  readonly joined_at: Date;
  readonly replayed: boolean;
  readonly seq: bigint | null;
  readonly leaf_hash: Buffer | null;
  readonly salt: Buffer | null;
}

/** The arrays that can be null are null if they would contain only nulls. */
type Parameters = readonly [
  campaignIds: string[],
  participationIds: string[],
  userIds: string[],
  quantities: number[],
  addresses: string[],
  notes: (string | null)[] | null,
  phones: (string | null)[] | null,
  salts: Buffer[],
  keys: (string | null)[] | null,
  requestHashes: (Buffer | null)[] | null,
  actors: (string | null)[] | null,
  callers: string[] | null,
  attemptLimit: number,
  wait: boolean,
  again: boolean,
];

const joinCampaigns = query<Parameters, AnswerRow>(
  'join_campaigns',
  `select request_id, outcome, params, participation_id, joined_at, replayed, seq, leaf_hash, salt
  from sambatan.join_campaigns($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
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
  const salts = newSalts(grouped.length);
  const rows = await db.rows(
    joinCampaigns,
    grouped.map((request) => request.campaignId),
    grouped.map((request) => request.participationId),
    grouped.map((request) => request.userId),
    grouped.map((request) => request.quantity),
    grouped.map((request) => request.shippingAddress),
    optional(grouped.map((request) => request.note)),
    optional(grouped.map((request) => mobileNumberIn(request.shippingAddress))),
    salts,
    optional(grouped.map((request) => request.key)),
    optional(grouped.map((request) => (request.key === null ? null : requestHash(request)))),
    // Null stands for the buyer.
    optional(grouped.map(({ actor, userId }) => (actor === `user:${userId}` ? null : actor))),
    options.attemptLimit > 0 ? grouped.map((request) => request.userId) : null,
    options.attemptLimit,
    options.wait,
    options.again,
  );
  const saltOf = new Map(
    grouped.map(({ participationId }, index) => [participationId, salts[index]!]),
  );
  const answers = new Map(
    rows.map((row) => [row.request_id, answerOf(row, saltOf.get(row.request_id)!)]),
  );
  return requests.map((request) => answers.get(request.participationId)!);
}

/** Returns null for an array that contains only nulls, so that PostgreSQL need not parse it. */
function optional<T>(values: (T | null)[]): (T | null)[] | null {
  return values.every((value) => value === null) ? null : values;
}

/** Groups the requests by campaign. Requests of the same campaign stay in order of arrival. */
function sideBySide(requests: readonly JoinRequest[]): readonly JoinRequest[] {
  const first = requests[0]?.campaignId;
  if (requests.every(({ campaignId }) => campaignId === first)) return requests;
  return [...Map.groupBy(requests, ({ campaignId }) => campaignId).values()].flat();
}

function answerOf(row: AnswerRow, sentSalt: Buffer): JoinAnswer {
  if (row.outcome === 'joined') {
    if (row.seq === null || row.leaf_hash === null) {
      throw new Error('join_campaigns returned no entry in the log');
    }
    return {
      participationId: row.participation_id,
      joinedAt: row.joined_at,
      replayed: row.replayed,
      log: {
        index: Number(row.seq) - 1,
        leafHash: row.leaf_hash,
        salt: row.replayed ? row.salt : sentSalt,
      },
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

/** Text that may contain a mobile number. It decides quickly for most addresses without one. */
const maybeNumber = /08|62/;
const mobileNumber = /(?:62|0)(8[1-9][0-9]{6,10})/;

/**
 * Returns the first Indonesian mobile number in an address, without the leading 0 or 62, or null.
 * It returns the same as sambatan.phone_in, but takes a tenth of the time.
 */
export function mobileNumberIn(address: string): string | null {
  if (!maybeNumber.test(address)) return null;
  return mobileNumber.exec(address.replaceAll(/[ \-.()+/]/g, ''))?.[1] ?? null;
}

/** Returns the hash of all fields that must be equal in requests with the same Idempotency-Key. */
function requestHash(request: JoinRequest): Buffer {
  const { userId, quantity, shippingAddress, note } = request;
  return hash('sha256', JSON.stringify([userId, quantity, shippingAddress, note]), 'buffer');
}
