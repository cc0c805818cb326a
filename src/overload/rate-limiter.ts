import { createHmac } from 'node:crypto';
import { query, type Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError } from '../errors/errors.ts';
import { limits, type LimitName } from '../config/limits.ts';

/**
 * Query that counts one attempt. It returns no row when the limit of the current window is reached.
 */
const takeFromLimit = query<
  [key: string, windowSeconds: number, max: number],
  { readonly attempts: number }
>(
  'take_from_limit',
  `insert into sambatan_auth.attempts as a (key, attempts, ends_at)
  values ($1, 1, now() + make_interval(secs => $2))
  on conflict (key) do update set
    attempts = case when a.ends_at <= now() then 1 else a.attempts + 1 end,
    ends_at = case when a.ends_at <= now() then excluded.ends_at else a.ends_at end
  where a.ends_at <= now() or a.attempts < $3
  returning attempts`,
);

const giveBackToLimit = query<[key: string], never>(
  'give_back_to_limit',
  'update sambatan_auth.attempts set attempts = greatest(attempts - 1, 0) where key = $1',
);

const waitForLimit = query<[key: string], { readonly wait_seconds: number }>(
  'wait_for_limit',
  `select greatest(1, ceil(extract(epoch from ends_at - now())))::integer as wait_seconds
  from sambatan_auth.attempts where key = $1`,
);

/**
 * Enforces the rate limits of src/config/limits.ts across all processes. A limit counts attempts
 * per subject, such as an e-mail address or a network. The database stores only keyed hashes of the
 * subjects. Counting inside a transaction locks the row of the count until the transaction ends.
 * Therefore count subjects that many users share (such as a network) outside a transaction. Count
 * the other subjects in a fixed order: first the e-mail address, then the whole service.
 */
export class RateLimiter {
  readonly #secret: Buffer;

  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  /**
   * Counts one attempt of this subject. When the limit of the current window is reached, returns
   * false and counts nothing.
   */
  async take(db: Queryable, name: LimitName, subject: string): Promise<boolean> {
    const { max, seconds } = limits[name];
    return (await db.maybe(takeFromLimit, this.#key(name, subject), seconds, max)) !== undefined;
  }

  /** Counts one attempt like `take`, but throws `rate_limited` when the limit is reached. */
  async spend(db: Queryable, name: LimitName, subject: string): Promise<void> {
    if (await this.take(db, name, subject)) return;
    throw await this.refusal(db, name, subject);
  }

  /** Subtracts one attempt from the count, because the attempt was harmless or did not happen. */
  async giveBack(db: Queryable, name: LimitName, subject: string): Promise<void> {
    await db.rows(giveBackToLimit, this.#key(name, subject));
  }

  /**
   * Returns the `rate_limited` error for a subject, with the number of seconds until the window
   * ends.
   */
  async refusal(db: Queryable, name: LimitName, subject: string): Promise<DomainError> {
    const found = await db.maybe(waitForLimit, this.#key(name, subject));
    return new DomainError('rate_limited', { retry_after_seconds: found?.wait_seconds ?? 1 });
  }

  #key(name: LimitName, subject: string): string {
    return createHmac('sha256', this.#secret).update(`${name} ${subject}`).digest('base64url');
  }
}

/** Maximum number of e-mails that the whole service may send per minute and per day. */
export interface MailBudgetOptions {
  readonly perMinute: number;
  readonly perDay: number;
  /** Called for each e-mail that is not sent because the budget is used up. */
  readonly onRefused: (kind: MailKind) => void;
}

/** The part of the budget that each kind of e-mail may use. */
const shares = { stranger: 0.8, known: 1, proof: 1, invitation: 0.5 } as const;
export type MailKind = keyof typeof shares;

/**
 * The keys under which `sambatan_auth.attempts` counts the e-mails of the whole service. They
 * contain no personal data.
 */
export const mailWindows = {
  five_minutes: 'mails in five minutes',
  day: 'mails in a day',
} as const;

/**
 * Limits how many e-mails the whole service sends because strangers request them. The e-mail
 * provider charges for every e-mail, and blocks senders of unwanted e-mails. A part of the budget
 * is reserved for e-mails to known users.
 */
export class MailBudget {
  readonly #options: MailBudgetOptions;

  constructor(options: MailBudgetOptions) {
    this.#options = options;
  }

  /** The maximum number of e-mails per time window. */
  get max(): Readonly<Record<keyof typeof mailWindows, number>> {
    return { five_minutes: this.#options.perMinute * 5, day: this.#options.perDay };
  }

  /** Counts one e-mail before it is sent. Throws `mail_budget_spent` when the budget is used up. */
  async spend(tx: Tx, kind: MailKind): Promise<void> {
    await this.#take(tx, kind, 'five_minutes', limits.emailsInFiveMinutes.seconds);
    await this.#take(tx, kind, 'day', limits.emailsInADay.seconds);
  }

  /** Removes an e-mail that could not be sent from the count. */
  async giveBack(tx: Tx): Promise<void> {
    for (const key of Object.values(mailWindows)) await tx.rows(giveBackToLimit, key);
  }

  async #take(
    tx: Tx,
    kind: MailKind,
    window: keyof typeof mailWindows,
    seconds: number,
  ): Promise<void> {
    const key = mailWindows[window];
    const max = Math.max(1, Math.floor(this.max[window] * shares[kind]));
    if ((await tx.maybe(takeFromLimit, key, seconds, max)) !== undefined) return;
    this.#options.onRefused(kind);
    const found = await tx.maybe(waitForLimit, key);
    throw new DomainError('mail_budget_spent', { retry_after_seconds: found?.wait_seconds ?? 60 });
  }
}
