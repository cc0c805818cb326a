import { newId } from '../../src/identity/ids.ts';
import type { ClientResponse, Client } from '../support/clients/client.ts';
import type { Operation } from './history.ts';

/** Refusals that guarantee, by docs/errors.md, that nothing was stored. */
const applied = new Set(['outcome_unknown', 'internal_error']);

/** Status and code; notes a 503 without Retry-After. */
export function refusal({ status, body, headers }: ClientResponse): string {
  const silent = status === 503 && headers['retry-after'] === undefined;
  return `${status} ${body.code}${silent ? ' without Retry-After' : ''}`;
}

/** Buyers who join one after the other in many concurrent loops, with a record of the answers. */
export class Load {
  readonly history: Operation[] = [];
  /** Number of answers by status and code. */
  readonly answers = new Map<string, number>();
  acknowledged = 0;
  /** performance.now() of the last acknowledgement. */
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
   * Repeats every join of unknown outcome with its key until there is an answer, at most 30 times.
   */
  async settle(lanes: number): Promise<number> {
    const unknown = this.history.filter(({ outcome }) => outcome === 'unknown');
    const line = unknown.values();
    const settle = async () => {
      for (const operation of line) {
        operation.settled = true;
        for (let tries = 0; tries < 30 && operation.outcome === 'unknown'; tries++) {
          // A time-out tells nothing about the first request; only the key does.
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
      // Waits before retrying after the database was unavailable.
      if (!heard) await new Promise((go) => setTimeout(go, 20));
    }
  }

  /** False if the service was unavailable. */
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
