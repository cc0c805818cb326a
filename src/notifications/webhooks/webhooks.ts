import { createHmac, randomBytes } from 'node:crypto';
import type { AuditRow } from '../../audit/queries.ts';
import { GuardedClient, type PostResult } from '../../http-client/guarded-client.ts';
import { checkedLookup, type AddressRules } from '../../http-client/public-addresses.ts';

/** The outcome of a webhook request. */
export type WebhookResult = PostResult;

/** The id of a webhook, and the bytes that are sent and signed. */
export interface WebhookMessage {
  /**
   * The id is the same in every attempt and for every endpoint, so that receivers can recognise
   * duplicates.
   */
  readonly id: string;
  readonly body: string;
}

/** Returns a new signing secret in the format of the Standard Webhooks specification. */
export function newSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/**
 * Returns the `webhook-signature` header of a webhook at a time (in seconds since 1970): one
 * signature per secret.
 */
export function signatureOf(
  { id, body }: WebhookMessage,
  timestamp: number,
  secrets: readonly string[],
): string {
  return secrets
    .map((secret) => {
      const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
      const mac = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
      return `v1,${mac}`;
    })
    .join(' ');
}

/**
 * The metadata fields that contain neither free text nor personal data. Only these fields are sent.
 */
const openTexts = new Set([
  'from',
  'to',
  'deadline',
  'opens_at',
  'expires_at',
  'entry_id',
  'participation_id',
  'dispute_id',
  'resolution',
]);
/**
 * The reasons that are codes. Any other reason is a text that a person wrote, and may contain
 * personal data.
 */
const knownReasons = new Set([
  'buyer',
  'hold_lapsed',
  'operator',
  'offer',
  'slots',
  'left',
  'campaign_over',
  'already_paid',
  'too_little',
  'too_much',
  'deadline_extended',
  'shortfall',
  'dispute',
  'unpaid',
]);

/**
 * Returns the webhook body of an audit event. It contains no names, addresses or ids of people and
 * no free text.
 */
export function webhookMessageOf(row: AuditRow): WebhookMessage {
  const metadata = Object.fromEntries(
    Object.entries(row.metadata).filter(([name, value]) => {
      if (typeof value === 'number' || typeof value === 'boolean') return true;
      if (name === 'reason') return knownReasons.has(String(value));
      return openTexts.has(name) && (typeof value === 'string' || value === null);
    }),
  );
  return {
    id: `msg_${row.campaign_id}_${row.seq}`,
    body: JSON.stringify({
      type: row.event,
      timestamp: row.occurred_at,
      data: {
        campaign_id: row.campaign_id,
        seq: Number(row.seq),
        participation_id: row.participation_id,
        actor: row.actor.split(':')[0],
        metadata,
      },
    }),
  };
}

/** Sends webhook requests, with time-outs and address checks. */
export class WebhookSender {
  readonly #client: GuardedClient;

  constructor(rules: AddressRules, lookup = checkedLookup(rules)) {
    this.#client = new GuardedClient(rules, lookup);
  }

  /** Sends one request and follows no redirects. Never throws. */
  async send(
    url: string,
    message: WebhookMessage,
    secrets: readonly string[],
  ): Promise<WebhookResult> {
    const timestamp = Math.floor(Date.now() / 1_000);
    return await this.#client.post(url, message.body, {
      'user-agent': 'Sambatan-Webhooks/1',
      'webhook-id': message.id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signatureOf(message, timestamp, secrets),
    });
  }

  close(): void {
    this.#client.close();
  }
}
