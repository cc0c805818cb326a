import { Agent } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '../../../src/identity/ids.ts';
import { joinBody } from '../builders/shop.ts';
import { Client } from '../clients/client.ts';

/** Requests that are sent all the time, until `stop` is called. */
export interface Traffic {
  /** The participations of the joins that were acknowledged. */
  readonly joined: string[];
  readonly answered: { count: number };
  readonly failed: string[];
  /**
   * Adds pauses between requests until `hurry` is called, so that a starting replica gets enough
   * CPU time.
   */
  relax(): void;
  hurry(): void;
  stop(): Promise<void>;
}

const pauseMs = 50;

/**
 * Buyers and visitors who send one request after the other, on open connections and on new ones.
 */
export function startTraffic(url: string, campaignId: string, serviceKey: string): Traffic {
  const traffic = { joined: [] as string[], answered: { count: 0 }, failed: [] as string[] };
  const agents = [new Agent({ keepAlive: true }), new Agent({ keepAlive: false })];
  const over = new AbortController();
  let isRelaxed = false;
  const going = agents.flatMap((agent) => {
    const client = new Client({ url, agent, secrets: new Set() }, serviceKey);
    const join = async () => {
      const answer = await client.post(
        `/campaigns/${campaignId}/join`,
        joinBody({ user_id: newId() }),
      );
      if (answer.status === 201) traffic.joined.push(answer.body.id);
      return answer;
    };
    const look = () => client.get(`/campaigns/${campaignId}`);
    return [join, look, look].map(async (request) => {
      while (!over.signal.aborted) {
        try {
          const { status, text } = await request();
          if (status >= 400) traffic.failed.push(`${status} ${text}`);
          traffic.answered.count++;
        } catch (error) {
          traffic.failed.push(String(error));
        }
        if (isRelaxed) await sleep(pauseMs);
      }
    });
  });
  const stop = async (): Promise<void> => {
    over.abort();
    await Promise.all(going);
    for (const agent of agents) agent.destroy();
  };
  const relax = () => void (isRelaxed = true);
  const hurry = () => void (isRelaxed = false);
  return { ...traffic, relax, hurry, stop };
}
