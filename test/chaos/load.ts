import { newId } from '../../src/identity/ids.ts';
import type { ClientResponse, Client } from '../support/clients/client.ts';
import type { Operation } from './history.ts';

/**
 * Codes after which, by docs/errors.md, the join may have been stored. Every other refusal
 * guarantees that nothing was stored.
 */
const applied = new Set(['outcome_unknown', 'internal_error']);

/** The status and the code of a refusal. Notes if a 503 has no Retry-After header. */
export function refusal({ status, body, headers }: ClientResponse): string {
  const silent = status === 503 && headers['retry-after'] === undefined;
  return `${status} ${body.code}${silent ? ' without Retry-After' : ''}`;
}

/** Many concurrent loops in which one buyer after the other joins. The answers are recorded. */
export class Load {
  readonly history: Operation[] = [];
  /** The number of answers for each status and code. */
  readonly answers = new Map<string, number>();
  acknowledged = 0;
  /** The time of the last acknowledged join, by performance.now(). */
  lastOkAt = 0;
  readonly client: Client;
  readonly #campaigns: readonly string[];
  #stopping = false;
  #lanes: Promise<unknown> = Promise.resolve();

  constructor(client: Client, campaigns: readonly string[]) {
    this.client = client;
    this.#campaigns = campaigns;
  }

  start(lanes: number): void {
    this.#lanes = Promise.all(Array.from({ length: lanes }, () => this.#lane()));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#lanes;
  }

  /**
   * Sends every join of unknown outcome again with its key until the outcome is known, at most 30
   * times each.
   */
  async settle(lanes: number): Promise<number> {
    const unknown = this.history.filter(({ outcome }) => outcome === 'unknown');
    const line = unknown.values();
    const settle = async () => {
      for (const operation of line) {
        operation.settled = true;
        for (let tries = 0; tries < 30 && operation.outcome === 'unknown'; tries++) {
          // A time-out does not show whether the first request had an effect. Only a request with
          // the same key shows it.
          await this.#send(operation, true);
          if (operation.outcome === 'unknown') await new Promise((go) => setTimeout(go, 100));
        }
      }
    };
    await Promise.all(Array.from({ length: lanes }, settle));
    return unknown.length;
  }

  async #lane(): Promise<void> {
    while (!this.#stopping) {
      const userId = newId();
      const operation: Operation = {
        userId,
        campaignId: this.#campaigns[this.history.length % this.#campaigns.length]!,
        key: `kunci-${userId}`,
        outcome: 'unknown',
        participationId: null,
        settled: false,
      };
      this.history.push(operation);
      const heard = await this.#send(operation, false);
      // Waits a moment before the next join if the service was unavailable.
      if (!heard) await new Promise((go) => setTimeout(go, 20));
    }
  }

  /** Resolves to false if the service was unavailable. */
  async #send(operation: Operation, isAgain: boolean): Promise<boolean> {
    const { campaignId, userId, key } = operation;
    const path = `/campaigns/${campaignId}/join`;
    const body = { user_id: userId, quantity: 1, shipping_address: 'Jalan Kenanga 12, Bandung' };
    try {
      const answer = await this.client.post(path, body, { 'idempotency-key': key });
      const what = answer.status === 201 ? '201' : refusal(answer);
      this.answers.set(what, (this.answers.get(what) ?? 0) + 1);
      if (answer.status === 201) {
        operation.outcome = 'ok';
        operation.participationId = answer.body.id;
        this.acknowledged++;
        this.lastOkAt = performance.now();
        return true;
      }
      const inHaste = answer.status === 503;
      if (!applied.has(answer.body.code) && !(isAgain && inHaste)) operation.outcome = 'fail';
      return !inHaste;
    } catch {
      this.answers.set('none', (this.answers.get('none') ?? 0) + 1);
      return false;
    }
  }
}
