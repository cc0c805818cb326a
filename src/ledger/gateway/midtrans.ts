import { hash, timingSafeEqual } from 'node:crypto';
import type {
  Gateway,
  Order,
  Ordered,
  OrderStatus,
  Refund,
  Refunded,
  Refused,
  Unknown,
} from './port.ts';

export interface MidtransSettings {
  readonly serverKey: string;
  /**
   * Base URLs without a trailing slash: `snapUrl` to create orders, `apiUrl` to query their status
   * and to refund.
   */
  readonly snapUrl: string;
  readonly apiUrl: string;
}

/** Time-out of a call. If it is exceeded, the result of the call is unknown. */
const timeoutMs = 10_000;

interface Answer {
  /**
   * The status code in the body, or else the HTTP status: the API also returns errors with HTTP
   * 200.
   */
  readonly code: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Sends a GET request, or a POST request if there are a body and an idempotency key. */
type Send = (url: string, key?: string, body?: object) => Promise<Answer | Unknown>;

/**
 * Midtrans adapter: Snap creates the order; the Core API returns its status and makes refunds. An
 * order keeps its `order_id`, and a refund its `refund_key`. The `Idempotency-Key` makes a retry
 * after a lost response safe for some minutes.
 */
export function midtrans(settings: MidtransSettings, limitMs = timeoutMs): Gateway {
  const { serverKey, snapUrl, apiUrl } = settings;
  const send = sender(serverKey, limitMs);
  const orderUrl = (reference: string) => `${apiUrl}/v2/${encodeURIComponent(reference)}`;
  return {
    name: 'midtrans',
    createOrder: async (order) => await createOrder(send, snapUrl, order),
    orderStatus: async (reference) => {
      const answer = await send(`${orderUrl(reference)}/status`);
      return 'outcome' in answer ? answer : statusOf(answer, reference);
    },
    refund: async (refund) => await makeRefund(send, orderUrl(refund.orderReference), refund),
    readNotification: (body) => signedOrder(serverKey, body),
  };
}

function sender(serverKey: string, limitMs: number): Send {
  const authorization = `Basic ${Buffer.from(`${serverKey}:`).toString('base64')}`;
  return async (url, key, body) => {
    try {
      const response = await fetch(url, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          accept: 'application/json',
          'content-type': 'application/json',
          authorization,
          ...(key === undefined ? {} : { 'idempotency-key': key }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'error',
        signal: AbortSignal.timeout(limitMs),
      });
      const answer = recordOf(await response.json());
      return { code: Number(answer['status_code'] ?? response.status), body: answer };
    } catch (error) {
      return unknownOutcome(error instanceof Error ? error.name : 'no answer');
    }
  };
}

async function createOrder(
  send: Send,
  snapUrl: string,
  { reference, amount, startsAt, minutes }: Order,
): Promise<Ordered | Refused | Unknown> {
  const lasts = { unit: 'minutes', duration: minutes };
  // Without a start time, the time to pay would begin when the buyer chooses a payment method, and
  // could end after the page has expired.
  const expiry = { start_time: jakartaTime(startsAt), ...lasts };
  const answer = await send(`${snapUrl}/snap/v1/transactions`, reference, {
    transaction_details: { order_id: reference, gross_amount: Number(amount) },
    expiry,
    page_expiry: lasts,
  });
  if ('outcome' in answer) return answer;
  const url = answer.body['redirect_url'];
  if (answer.code < 200 || answer.code >= 300 || typeof url !== 'string') return verdict(answer);
  return isWebAddress(url)
    ? { outcome: 'made', redirectUrl: url }
    : unknownOutcome('a redirect_url that is no web address');
}

async function makeRefund(
  send: Send,
  orderUrl: string,
  { reference, amount }: Refund,
): Promise<Refunded | Refused | Unknown> {
  const asked = { refund_key: reference, amount: Number(amount), reason: 'Sambatan' };
  const answer = await send(`${orderUrl}/refund`, reference, asked);
  if ('outcome' in answer) return answer;
  return answer.code === 200 ? { outcome: 'made' } : verdict(answer);
}

/**
 * Returns the order reference of a notification if its signature is valid. The signature is SHA-512
 * over four fields and the server key; it does not protect the transaction status.
 */
function signedOrder(serverKey: string, body: unknown): string | undefined {
  const { order_id, status_code, gross_amount, signature_key } = recordOf(body);
  const parts = [order_id, status_code, gross_amount, signature_key];
  if (!parts.every((part) => typeof part === 'string')) return undefined;
  const [order = '', code = '', amount = '', signature = ''] = parts as string[];
  const expected = hash('sha512', `${order}${code}${amount}${serverKey}`, 'buffer');
  const given = Buffer.from(/^[\da-f]{128}$/i.test(signature) ? signature : '', 'hex');
  const fits = given.length === expected.length && timingSafeEqual(given, expected);
  return fits ? order : undefined;
}

/**
 * Maps Midtrans's status of a payment to an outcome. After `deny` the payment is still open,
 * because the buyer may try another card on the same page.
 */
const outcomes: Readonly<Record<string, OrderStatus['outcome']>> = {
  pending: 'open',
  authorize: 'open',
  deny: 'open',
  settlement: 'paid',
  refund: 'paid',
  partial_refund: 'paid',
  chargeback: 'paid',
  partial_chargeback: 'paid',
  cancel: 'not_made',
  expire: 'not_made',
  failure: 'not_made',
};

function statusOf({ code, body }: Answer, reference: string): OrderStatus | Unknown {
  if (code === 404) {
    return { outcome: 'absent', amount: 0n, paidAt: null, providerName: null, refunds: [] };
  }
  const status = String(body['transaction_status']);
  // If the fraud check doubts a card payment, it counts as paid only after the provider's staff
  // accept it.
  const captured = body['fraud_status'] === 'accept' ? 'paid' : 'open';
  const outcome = status === 'capture' ? captured : outcomes[status];
  const amount = /^(\d{1,15})(\.0+)?$/.exec(String(body['gross_amount']))?.[1];
  if (outcome === undefined || amount === undefined || body['order_id'] !== reference) {
    return unknownOutcome(`a status that is not understood, with code ${code}`);
  }
  if (body['currency'] !== undefined && body['currency'] !== 'IDR')
    return unknownOutcome('not rupiah');
  const refunds = Array.isArray(body['refunds']) ? body['refunds'] : [];
  return {
    outcome,
    amount: BigInt(amount),
    paidAt: outcome === 'paid' ? paidAtOf(body) : null,
    providerName: typeof body['transaction_id'] === 'string' ? body['transaction_id'] : null,
    refunds: refunds.map((one) => String(recordOf(one)['refund_key'])),
  };
}

/**
 * Returns the time of payment. A card payment is made at the transaction time and settled a day
 * later. With other methods, the settlement time is the time at which the buyer paid, which can be
 * long after the transaction time.
 */
function paidAtOf(body: Readonly<Record<string, unknown>>): Date | null {
  const byCard = body['payment_type'] === 'credit_card';
  return momentOf(byCard ? body['transaction_time'] : body['settlement_time']);
}

/** Parses a time from Midtrans, which reports times in Asia/Jakarta (UTC+7 all year). */
function momentOf(text: unknown): Date | null {
  const parts = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)$/.exec(String(text));
  const moment = new Date(`${parts?.[1]}T${parts?.[2]}+07:00`);
  return Number.isNaN(moment.getTime()) ? null : moment;
}

/** Formats a time for Midtrans, such as `2026-11-30 17:05:00 +0700`. */
function jakartaTime(moment: Date): string {
  const there = new Date(moment.getTime() + 7 * 3_600_000).toISOString();
  return `${there.slice(0, 10)} ${there.slice(11, 19)} +0700`;
}

/**
 * Decides whether an unsuccessful answer is a refusal. After a wrong key, a rate limit or a server
 * error, the result of the call is unknown.
 */
function verdict({ code, body }: Answer): Refused | Unknown {
  const undecided = [401, 408, 409, 429].includes(code) || code < 400 || code >= 500;
  if (undecided || Number.isNaN(code)) return unknownOutcome(`code ${code}`);
  const words = body['status_message'] ?? body['error_messages'];
  return { outcome: 'refused', reason: `${code} ${String(words ?? '')}`.trim().slice(0, 200) };
}

function unknownOutcome(reason: string): Unknown {
  return { outcome: 'unknown', reason };
}

function isWebAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
