import type { Log } from '../../database/log.ts';
import { Loop, type Job } from '../../jobs/loop.ts';
import { isQuarantined } from '../../quarantine/queries.ts';
import type { Gateway } from './port.ts';
import * as sql from './queries.ts';
import type { GatewayDeps } from './deps.ts';
import { applyOrder } from './orders.ts';
import {
  closeWithdrawnRefund,
  recordRefundMade,
  recordRefundRefused,
  startRefund,
  reportDuplicateRefund,
} from './refund-calls.ts';

/** The result of one pass. */
export interface Reconciled {
  /** Number of refunds sent to the provider. */
  readonly sent: number;
  /** Number of orders and refunds whose result is now known. */
  readonly closed: number;
  /** Number of queries without a final result. */
  readonly open: number;
  /**
   * Why the pass ended early; null if it did not. `held`: the database is in quarantine.
   * `provider_away`: the provider did not answer.
   */
  readonly stopped: 'held' | 'provider_away' | null;
}

type Step = 'closed' | 'open' | 'away' | 'failed';

const everyMs = 15_000;
/**
 * Maximum number of concurrent calls to the provider by one worker. Several workers share the due
 * calls.
 */
const atOnce = 4;

/**
 * Queries the provider about every call without a known result, and sends due refunds. This
 * completes payments whose notification was lost, and refunds whose response was lost. Safe to run
 * in several processes at once. Does nothing if no gateway is configured.
 */
export class Reconciler implements Job {
  readonly #parts: GatewayDeps;
  readonly #log: Log;
  readonly #loop: Loop;

  constructor(parts: GatewayDeps, log: Log) {
    this.#parts = parts;
    this.#log = log;
    this.#loop = new Loop({
      pass: async () => {
        await this.run();
        return everyMs;
      },
      onError: (error) => log.warn({ err: error }, 'payments could not be reconciled'),
      retryMs: [everyMs, everyMs],
    });
  }

  /** Does nothing if no provider is configured. */
  start(): void {
    if (this.#parts.gateway !== undefined) this.#loop.start();
  }

  /** Waits for running calls, each for at most ten seconds. */
  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  /** Runs one pass over everything that is due. Throws database errors. */
  async run(): Promise<Reconciled> {
    const { db, gateway } = this.#parts;
    let [sent, closed, open] = [0, 0, 0];
    const result = (stopped: Reconciled['stopped']) => ({ sent, closed, open, stopped });
    if (gateway === undefined) return result(null);
    if ((await db.one(isQuarantined)).quarantined) return result('held');
    for (;;) {
      const refunds = await db.rows(sql.listRefundsToSend, gateway.name, atOnce);
      const steps = await Promise.all(refunds.map((refund) => this.#send(gateway, refund)));
      const due = await db.rows(sql.claimCalls, gateway.name, atOnce);
      steps.push(...(await Promise.all(due.map((call) => this.#ask(gateway, call)))));
      sent += refunds.length;
      closed += steps.filter((step) => step === 'closed').length;
      open += steps.filter((step) => step !== 'closed').length;
      if (steps.includes('away')) return result('provider_away');
      // A failure is retried in the next pass, not in this one.
      const done = steps.length === 0 || steps.includes('failed');
      if (done || this.#loop.isStopping) return result(null);
    }
  }

  /** Sends a due refund; if several processes try, only one sends it. */
  async #send(gateway: Gateway, refund: sql.RefundToSendRow): Promise<Step> {
    return await this.#safely(refund.transaction_id, async () => {
      const call = await startRefund(this.#parts.db, gateway.name, refund);
      return call === undefined ? 'open' : await this.#refund(gateway, call);
    });
  }

  /** Queries the status of one order or refund. */
  async #ask(gateway: Gateway, call: sql.CallRow): Promise<Step> {
    return await this.#safely(call.reference, async () => {
      const status = await gateway.orderStatus(call.order_reference);
      if (status.outcome === 'unknown') return this.#away(call, status.reason);
      if (call.kind === 'payment') {
        return (await applyOrder(this.#parts, call, status)) ? 'closed' : 'open';
      }
      if (!status.refunds.includes(call.reference)) {
        if (await closeWithdrawnRefund(this.#parts, call)) return 'closed';
        return await this.#refund(gateway, call);
      }
      await this.#made(call);
      return 'closed';
    });
  }

  /**
   * Repeats a refund whose response was lost. This is safe, because the provider treats a repeated
   * reference as the same refund.
   */
  async #refund(gateway: Gateway, call: sql.CallRow): Promise<Step> {
    const { order_reference: orderReference, reference, amount } = call;
    const answer = await gateway.refund({ orderReference, reference, amount });
    if (answer.outcome === 'unknown') return this.#away(call, answer.reason);
    if (answer.outcome === 'made') {
      await this.#made(call);
      return 'closed';
    }
    // A refusal may mean that an earlier call with the same reference succeeded, so query the
    // status.
    const status = await gateway.orderStatus(orderReference);
    if (status.outcome === 'unknown') return this.#away(call, status.reason);
    if (status.refunds.includes(reference)) await this.#made(call);
    else await recordRefundRefused(this.#parts, call, answer.reason);
    return 'closed';
  }

  async #made(call: sql.CallRow): Promise<void> {
    if (await recordRefundMade(this.#parts, call)) reportDuplicateRefund(this.#log, call);
  }

  #away(call: sql.CallRow, reason: string): Step {
    this.#log.warn({ reference: call.reference, reason }, 'the payment provider gave no answer');
    return 'away';
  }

  /** Logs an error of one call, so that it does not stop the other calls. */
  async #safely(what: string, step: () => Promise<Step>): Promise<Step> {
    try {
      return await step();
    } catch (error) {
      this.#log.warn({ err: error, what }, 'a payment could not be reconciled');
      return 'failed';
    }
  }
}
