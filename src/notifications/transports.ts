import { knownLanguage } from '../i18n/messages.ts';
import type { Database } from '../database/pool.ts';
import type { Mailer } from '../mail/mailer.ts';
import type { Transport, Outcome } from './deliveries.ts';
import {
  claimEmails,
  claimWebhooks,
  type ClaimedEmail,
  type ClaimedWebhook,
} from './delivery-queries.ts';
import { renderEmail, type EmailLinks } from './email.ts';
import { receiptForEmail } from './email-receipt.ts';
import { disableEndpoint } from './webhook-endpoints.ts';
import { maxConcurrent, CircuitBreaker } from './webhooks/circuit-breaker.ts';
import { webhookMessageOf, type WebhookSender } from './webhooks/webhooks.ts';

const minute = 60;
const hour = 60 * minute;

/**
 * Number of e-mails that are sent at the same time. It is twice the number of the mailer's
 * connections, so that a connection that becomes free can send the next e-mail at once.
 */
const mailsAtOnce = 10;
/**
 * Time-out of sending one e-mail, in milliseconds. After a time-out, the service tries to send the
 * e-mail again later.
 */
const mailTimeoutMs = 60_000;
/**
 * Number of webhook requests that run at the same time. It is so large that a few endpoints that do
 * not answer cannot block the other endpoints.
 */
const webhooksAtOnce = 50;
/**
 * Delays in seconds between the attempts to send a webhook. They add up to three days, as the
 * Standard Webhooks specification proposes.
 */
export const webhookRetryDelaysSeconds = [
  5,
  5 * minute,
  30 * minute,
  2 * hour,
  5 * hour,
  10 * hour,
  14 * hour,
  20 * hour,
  20 * hour,
] as const;

/**
 * Creates the transport that sends notifications as e-mails. Each attempt uses the person's current
 * e-mail address and language.
 */
export function emailTransport(
  db: Database,
  mailer: Mailer,
  links: EmailLinks,
): Transport<ClaimedEmail> {
  return {
    channel: 'email',
    concurrency: mailsAtOnce,
    // The delays add up to about one day.
    waitsSeconds: [10, minute, 5 * minute, 30 * minute, 2 * hour, 6 * hour, 15 * hour],
    claim: (limit, leaseId, leaseSeconds) => db.rows(claimEmails, limit, leaseId, leaseSeconds),
    attempt: async (claimed) => {
      const { user_id: userId, kind, topic, params, email: to } = claimed;
      if (userId === null || kind === null || topic === null || params === null) {
        return { kind: 'dropped', result: 'the message is no more' };
      }
      if (to === null) return { kind: 'dropped', result: 'there is no address' };
      if (claimed.wanted === false) return { kind: 'dropped', result: 'turned off' };
      const email = {
        id: claimed.delivery_id,
        campaignId: claimed.campaign_id,
        userId,
        kind,
        topic,
        params,
        to,
        language: knownLanguage(claimed.locale),
        timeZone: claimed.time_zone ?? '',
      };
      return await sendWithTimeout(async () => {
        const order = await receiptForEmail(db, email);
        await mailer.send(renderEmail(email, links, order));
      });
    },
  };
}

async function sendWithTimeout(send: () => Promise<void>): Promise<Outcome> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('no answer in time')), mailTimeoutMs);
  try {
    await Promise.race([send(), late]);
    return { kind: 'delivered', result: 'taken by the mail server' };
  } catch (error) {
    return refusalOf(error);
  } finally {
    clearTimeout(timer);
  }
}

/** Fields that the mail library adds to an error: the failed step, and the server's response. */
interface MailError {
  readonly code?: string;
  readonly responseCode?: number;
}

/**
 * Returns the outcome of an attempt that failed with this error. The outcome does not contain the
 * mail server's message, because the message may contain the e-mail address, and e-mail addresses
 * must not be stored with the delivery.
 */
function refusalOf(error: unknown): Outcome {
  const { code = 'error', responseCode } = (error ?? {}) as MailError;
  const isFinal = (code === 'EENVELOPE' || code === 'EMESSAGE') && (responseCode ?? 0) >= 500;
  const result = responseCode === undefined ? `SMTP ${code}` : `SMTP ${responseCode} ${code}`;
  return { kind: isFinal ? 'failed' : 'again', result };
}

/** Creates the transport that sends the webhooks of events. Each attempt gets a new signature. */
export function webhookTransport(db: Database, sender: WebhookSender): Transport<ClaimedWebhook> {
  const receivers = new CircuitBreaker();
  const ends = new Map<ClaimedWebhook, () => void>();
  return {
    channel: 'webhook',
    concurrency: webhooksAtOnce,
    waitsSeconds: webhookRetryDelaysSeconds,
    claim: async (limit, leaseId, leaseSeconds) => {
      const busy = receivers.busy();
      const claimed = await db.rows(
        claimWebhooks,
        limit,
        leaseId,
        leaseSeconds,
        maxConcurrent,
        busy,
      );
      for (const one of claimed) ends.set(one, receivers.begin(one.endpoint_id));
      return claimed;
    },
    attempt: async (claimed) => {
      try {
        return await sendWebhook(db, sender, claimed);
      } catch (error) {
        return { kind: 'again', result: error instanceof Error ? error.name : 'error' };
      } finally {
        ends.get(claimed)?.();
        ends.delete(claimed);
      }
    },
  };
}

async function sendWebhook(
  db: Database,
  sender: WebhookSender,
  claimed: ClaimedWebhook,
): Promise<Outcome> {
  const previous = claimed.previous_secret === null ? [] : [claimed.previous_secret];
  const secrets = [claimed.secret, ...previous];
  const result = await sender.send(claimed.url, webhookMessageOf(claimed), secrets);
  if (result.kind !== 'answered') return { kind: 'again', result: result.reason };
  const answer = `HTTP ${result.status}`;
  if (result.status >= 200 && result.status < 300) return { kind: 'delivered', result: answer };
  if (result.status === 410) {
    await db.transaction((tx) => disableEndpoint(tx, claimed.endpoint_id, answer));
  }
  return { kind: result.status === 410 ? 'dropped' : 'again', result: answer };
}
