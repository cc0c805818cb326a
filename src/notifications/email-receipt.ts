import { setTimeout as sleep } from 'node:timers/promises';
import { auditEntry } from '../audit/queries.ts';
import { query, type Queryable } from '../database/query.ts';
import { isLogWritten } from '../participations/log-queries.ts';
import { findReceipt } from '../participations/log-proofs.ts';

/** The kinds of notifications that confirm a new order, so their e-mails contain its receipt. */
const kindsWithReceipt = new Set(['joined', 'joined_upfront']);

/**
 * An e-mail may be sent before the checkpoint that covers its order is signed. It waits for the
 * checkpoint at most this long, in milliseconds, and is then sent without the receipt, which is also
 * on the page of the order.
 */
const maxWaitMs = 3_000;
const checkEveryMs = 250;

/** The key of a notification: `event:` and the number of its event, or another reason. */
export const eventKeyOf = query<
  [campaignId: string, notificationId: string],
  { readonly event_key: string }
>(
  'event_key_of_notification',
  `select event_key from sambatan.notifications
  where campaign_id = $1 and notification_id = $2`,
);

/** The order that an e-mail confirms, and its receipt in the public log. */
export interface EmailReceipt {
  readonly participationId: string;
  /** Undefined if there is no receipt yet. */
  readonly receipt: string | undefined;
}

/** Returns the receipt for the e-mail of a notification; undefined if it confirms no order. */
export async function receiptForEmail(
  db: Queryable,
  email: { readonly kind: string; readonly campaignId: string; readonly id: string },
): Promise<EmailReceipt | undefined> {
  const { kind, campaignId, id } = email;
  if (!kindsWithReceipt.has(kind)) return undefined;
  const key = (await db.maybe(eventKeyOf, campaignId, id))?.event_key ?? '';
  const [, seq] = /^event:(\d+)$/.exec(key) ?? [];
  const [event] = seq === undefined ? [] : await db.rows(auditEntry, campaignId, BigInt(seq));
  const participationId = event?.participation_id ?? null;
  if (participationId === null) return undefined;
  return { participationId, receipt: await waitForReceipt(db, campaignId, participationId) };
}

async function waitForReceipt(
  db: Queryable,
  campaignId: string,
  participationId: string,
): Promise<string | undefined> {
  const giveUpAt = performance.now() + maxWaitMs;
  for (;;) {
    const receipt = await findReceipt(db, campaignId, participationId);
    if (receipt === 'not_available') return undefined;
    if (receipt !== 'pending') return receipt;
    const isHopeless = performance.now() >= giveUpAt || !(await db.one(isLogWritten)).is_written;
    if (isHopeless) return undefined;
    await sleep(checkEveryMs);
  }
}
