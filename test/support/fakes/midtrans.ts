import { hash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const serverKey = 'SB-Mid-server-a-stand-in-0001';

/**
 * The faults that the fake can have in one call. `lost`: it executes the call, but closes the
 * connection without an answer. `hang`: it does nothing and never answers.
 */
export type FakeAnswer = 429 | 500 | 401 | 'lost' | 'hang' | 'garbage';
type Operation = 'create' | 'status' | 'refund';

interface Paid {
  readonly gross: string;
  status: string;
  fraud: string;
  settledAt?: Date;
  readonly refunds: { refund_key: string; refund_amount: string }[];
}

export interface FakeMidtrans {
  readonly url: string;
  /** Every call that the fake has received, with its kind and its order. */
  readonly calls: readonly { readonly operation: Operation; readonly order: string }[];
  /** The amounts in rupiah that were refunded for an order. */
  refundsOf(order: string): readonly number[];
  /** Lets the next calls of this kind fail, each in one of the given ways. */
  failNext(operation: Operation, ...moods: FakeAnswer[]): void;
  /** With true, refunds are refused from now on, as for a payment method without refunds. */
  refuseRefunds(refuse: boolean): void;
  /** Sets the status of an order, as if its buyer had acted on the provider's page. */
  buyer(order: string, status: string, fraud?: string): void;
  /** Lets the buyer pay at this time. The provider reports the time. */
  paysAt(order: string, moment: Date): void;
  /** The notification about the current status of an order, signed by the provider. */
  notification(order: string): Record<string, string>;
  /**
   * Forgets all idempotency keys, as the provider does after some minutes: a repeated call is then
   * executed again.
   */
  forgetKeys(): void;
  close(): Promise<void>;
}

/** Starts a fake of Midtrans on a free port of this machine. It follows the published protocol. */
export async function startFakeMidtrans(): Promise<FakeMidtrans> {
  const offered = new Map<string, number>();
  const paid = new Map<string, Paid>();
  const served = new Map<string, object>();
  const calls: { operation: Operation; order: string }[] = [];
  const moods = new Map<Operation, FakeAnswer[]>();
  let refusing = false;

  const create = (body: Json): [number, object] => {
    const details = body['transaction_details'] as { order_id: string; gross_amount: number };
    if (offered.has(details.order_id)) {
      return [400, { error_messages: ['transaction_details.order_id has already been taken'] }];
    }
    offered.set(details.order_id, details.gross_amount);
    const token = hash('sha1', details.order_id);
    return [201, { token, redirect_url: `https://app.sandbox.midtrans.com/snap/v4/${token}` }];
  };
  const statusOf = (order: string): object => {
    const one = paid.get(order);
    if (one === undefined) {
      return { status_code: '404', status_message: "Transaction doesn't exist." };
    }
    return {
      status_code: one.status === 'pending' ? '201' : one.status === 'expire' ? '407' : '200',
      transaction_id: `trx-${order}`,
      order_id: order,
      gross_amount: one.gross,
      currency: 'IDR',
      payment_type: 'gopay',
      transaction_status: one.status,
      fraud_status: one.fraud,
      ...(one.settledAt && { settlement_time: jakartaTime(one.settledAt) }),
      ...(one.refunds.length === 0 ? {} : { refunds: one.refunds }),
    };
  };
  const refund = (order: string, body: Json): object => {
    const one = paid.get(order);
    const [key, amount] = [String(body['refund_key']), Number(body['amount'])];
    if (one === undefined) return { status_code: '404', status_message: 'not found' };
    if (refusing) return { status_code: '412', status_message: 'cannot be refunded' };
    const known = one.refunds.some(({ refund_key }) => refund_key === key);
    const before = one.refunds.reduce((sum, each) => sum + Number(each.refund_amount), 0);
    if (!known && before + amount > Number(one.gross)) {
      return { status_code: '413', status_message: 'amount is greater than what was paid' };
    }
    if (!known) one.refunds.push({ refund_key: key, refund_amount: `${amount}.00` });
    one.status = before + amount === Number(one.gross) ? 'refund' : 'partial_refund';
    return { status_code: '200', refund_key: key, order_id: order };
  };

  const buyer = (order: string, status: string, fraud = 'accept') => {
    const gross = `${offered.get(order)}.00`;
    const one = paid.get(order) ?? { gross, status, fraud, refunds: [] };
    paid.set(order, Object.assign(one, { status, fraud }));
  };

  const server = createServer((request, response) => {
    void read(request).then((body) => {
      const [, order = '', what] = /^\/v2\/([^/]+)\/(status|refund)$/.exec(request.url ?? '') ?? [];
      const operation = (what ?? 'create') as Operation;
      const named = (body['transaction_details'] as { order_id: string } | undefined)?.order_id;
      calls.push({ operation, order: order || (named ?? '') });
      const mood = moods.get(operation)?.shift();
      if (mood === 'hang') return;
      if (typeof mood === 'number') return answer(response, mood, { status_code: String(mood) });
      if (mood === 'garbage') return void response.writeHead(502).end('<html>Bad gateway');
      const expected = `Basic ${Buffer.from(`${serverKey}:`).toString('base64')}`;
      if (request.headers.authorization !== expected) {
        return answer(response, 401, { status_code: '401' });
      }
      // Within some minutes, a call with the same key returns the same successful answer.
      const key = request.headers['idempotency-key'];
      const again = typeof key === 'string' ? served.get(key) : undefined;
      const [status, told] =
        again !== undefined
          ? [200, again]
          : operation === 'create'
            ? create(body)
            : [200, operation === 'status' ? statusOf(order) : refund(order, body)];
      const code = Number((told as Json)['status_code'] ?? status);
      if (typeof key === 'string' && code < 400) served.set(key, told);
      if (mood === 'lost') return void response.destroy();
      answer(response, status, told);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    refundsOf: (order) =>
      (paid.get(order)?.refunds ?? []).map(({ refund_amount }) => Number(refund_amount)),
    failNext: (operation, ...how) => void moods.set(operation, how),
    refuseRefunds: (refuse) => void (refusing = refuse),
    buyer,
    paysAt: (order, settledAt) => {
      buyer(order, 'settlement');
      Object.assign(paid.get(order)!, { settledAt });
    },
    notification: (order) => {
      return signNotification(statusOf(order) as Record<string, string>);
    },
    forgetKeys: () => served.clear(),
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** A time in the format of the provider: Jakarta time in whole seconds. */
function jakartaTime(moment: Date): string {
  const there = new Date(moment.getTime() + 7 * 3_600_000).toISOString();
  return `${there.slice(0, 10)} ${there.slice(11, 19)}`;
}

/** A notification with the provider's signature. */
export function signNotification(told: Readonly<Record<string, string>>): Record<string, string> {
  const { order_id: id = '', status_code: code = '', gross_amount: gross = '' } = told;
  return { ...told, signature_key: hash('sha512', `${id}${code}${gross}${serverKey}`) };
}

type Json = Readonly<Record<string, unknown>>;

async function read(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? {} : (JSON.parse(text) as Json);
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
