import { createHmac, randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import type { AuditRow } from '../../audit/queries.ts';
import {
  AddressNotAllowed,
  bareHost,
  checkedLookup,
  isAllowedAddress,
  isAllowedUrl,
  type AddressRules,
} from './public-addresses.ts';

/**
 * Time-out of one request in milliseconds. It includes connecting, sending the request, and
 * receiving the response.
 */
const timeoutMs = 10_000;
/**
 * Only the status of a response is used; the connection is closed after this many bytes of the
 * body.
 */
const maxResponseBytes = 16_384;

/** The outcome of a webhook request. */
export type WebhookResult =
  | { readonly kind: 'answered'; readonly status: number }
  | { readonly kind: 'unreachable'; readonly reason: string }
  /** The address of the endpoint is not allowed, so no request was sent. */
  | { readonly kind: 'not_allowed'; readonly reason: string };

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
  readonly #rules: AddressRules;
  readonly #lookup: ReturnType<typeof checkedLookup>;
  readonly #agents: { readonly http: http.Agent; readonly https: https.Agent };

  constructor(rules: AddressRules, lookup = checkedLookup(rules)) {
    this.#rules = rules;
    this.#lookup = lookup;
    // The number of sockets per host is not limited, so that receivers on the same host do not wait
    // for each other.
    const options = { keepAlive: true, maxFreeSockets: 2 };
    this.#agents = { http: new http.Agent(options), https: new https.Agent(options) };
  }

  /** Sends one request and follows no redirects. Never throws. */
  async send(
    url: string,
    message: WebhookMessage,
    secrets: readonly string[],
  ): Promise<WebhookResult> {
    const host = URL.canParse(url) ? bareHost(new URL(url)) : url;
    // Node does not call `lookup` when the host is an IP address, so check the address here.
    const isBlocked = isIP(host) !== 0 && !isAllowedAddress(host, this.#rules);
    if (isBlocked || !isAllowedUrl(url, this.#rules)) {
      return { kind: 'not_allowed', reason: new AddressNotAllowed(host).message };
    }
    const timestamp = Math.floor(Date.now() / 1_000);
    try {
      const status = await this.#post(new URL(url), message.body, {
        'content-type': 'application/json',
        'content-length': String(Buffer.byteLength(message.body)),
        'user-agent': 'Sambatan-Webhooks/1',
        'webhook-id': message.id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signatureOf(message, timestamp, secrets),
      });
      return { kind: 'answered', status };
    } catch (error) {
      const reason = error instanceof Error ? error.message || error.name : String(error);
      const kind = error instanceof AddressNotAllowed ? 'not_allowed' : 'unreachable';
      return { kind, reason: reason.slice(0, 200) };
    }
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  async #post(url: URL, body: string, headers: http.OutgoingHttpHeaders): Promise<number> {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const secure = url.protocol === 'https:';
    const request = (secure ? https : http).request(url, {
      method: 'POST',
      headers,
      agent: secure ? this.#agents.https : this.#agents.http,
      lookup: this.#lookup as never,
    });
    // The time limit applies to the whole request and response, so that a receiver cannot extend it
    // by sending the response slowly.
    const timer = setTimeout(() => request.destroy(new Error('no answer in time')), timeoutMs);
    request.on('error', reject);
    request.on('response', (response) => {
      let read = 0;
      response.on('data', (chunk: Buffer) => {
        read += chunk.length;
        if (read > maxResponseBytes) response.destroy();
      });
      response.on('error', () => undefined);
      response.on('close', () => resolve(response.statusCode ?? 0));
    });
    request.end(body);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
    }
  }
}
