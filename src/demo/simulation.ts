import type { CampaignStatus } from '../database/status-words.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../database/log.ts';
import { newId } from '../identity/ids.ts';
import { between, randomBoolean, oneByWeight, oneOf, wholeBetween } from './chance.ts';
import { DemoClient, Refused, type SeenCampaign, type SeenProduct } from './client.ts';
import { inventOpening } from './openings.ts';
import { demoAddress, demoBuyer, demoBuyerCount, demoNote } from './people.ts';

export interface SimulationOptions {
  /** The base URL of the service. */
  readonly url: string;
  readonly serviceKey: string;
  readonly log: Log;
  /** Called with each campaign that was opened, has filled up, or has ended. */
  readonly onNews?: (campaign: SeenCampaign) => void;
}

/** A buyer's order that may still be paid or cancelled. */
interface Pledge {
  readonly participationId: string;
  readonly upfront: boolean;
}

/**
 * The shortest and longest pause in milliseconds between two steps of each loop. Together they make
 * about one join per second.
 */
const rhythms = {
  look: [1_500, 1_500],
  buy: [200, 1_800],
  reconsider: [800, 3_000],
  open: [8_000, 16_000],
} as const;
/** Number of campaigns that the simulated buyers know: the newest ones. */
const seenAtOnce = 100;
/** Maximum number of campaigns that are open or scheduled. */
const mostUnderWay = 10;
const briefMs = 10 * 60_000;
const mostPledges = 300;
const longestPauseMs = 30_000;

/**
 * Simulates buyers and sellers who use the API: they join, pay, cancel, and open new campaigns. The
 * load is limited: there are four loops, and each runs one step at a time. After a failed step a
 * loop waits longer and then continues. No errors are thrown.
 */
export class Simulation {
  readonly #client: DemoClient;
  readonly #log: Log;
  readonly #onNews: (campaign: SeenCampaign) => void;
  readonly #ending = new AbortController();
  readonly #appeals = new Map<string, number>();
  readonly #statuses = new Map<string, CampaignStatus>();
  readonly #pledges: Pledge[] = [];
  #campaigns: readonly SeenCampaign[] = [];
  #products: readonly SeenProduct[] = [];
  #loops: Promise<unknown> = Promise.resolve();

  constructor({ url, serviceKey, log, onNews = () => undefined }: SimulationOptions) {
    this.#client = new DemoClient(url, serviceKey, this.#ending.signal);
    this.#log = log;
    this.#onNews = onNews;
  }

  /** Starts the loops and returns at once. */
  start(): void {
    this.#loops = Promise.all([
      this.#repeat(rhythms.look, () => this.#look()),
      this.#repeat(rhythms.buy, () => this.#buy()),
      this.#repeat(rhythms.reconsider, () => this.#reconsider()),
      this.#repeat(rhythms.open, () => this.#open()),
    ]);
  }

  /** Aborts the requests in progress and resolves when all loops have ended. Idempotent. */
  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#loops;
  }

  async #repeat([least, most]: readonly [number, number], step: () => Promise<void>) {
    const { signal } = this.#ending;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await step();
        failures = 0;
      } catch (error) {
        // It is normal that a rule refuses a step. After any other error the pauses become longer.
        const isRefusal = error instanceof Refused && error.status < 500;
        failures = isRefusal ? 0 : failures + 1;
        if (!signal.aborted) this.#log.debug({ err: error }, 'a step of the simulation failed');
      }
      const pause = Math.min(between(least, most) * 2 ** Math.min(failures, 8), longestPauseMs);
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Reads the newest campaigns and reports those whose status has changed. */
  async #look(): Promise<void> {
    const path = `/campaigns?sort=newest&limit=${seenAtOnce}`;
    const { items } = await this.#client.get<{ items: SeenCampaign[] }>(path);
    this.#campaigns = items;
    const known = this.#statuses.size > 0;
    for (const campaign of items.toReversed()) {
      const changed = this.#statuses.get(campaign.id) !== campaign.status;
      this.#statuses.set(campaign.id, campaign.status);
      if (changed && known) this.#onNews(campaign);
    }
    forgetBut(this.#statuses, items);
    // The list may not contain a campaign that was just opened. So keep more entries than the list
    // has.
    if (this.#appeals.size > 2 * seenAtOnce) forgetBut(this.#appeals, items);
  }

  /** Makes one buyer join a campaign; sometimes several buyers at the same time. */
  async #buy(): Promise<void> {
    const open = this.#campaigns.filter(
      ({ status, slots_remaining }) => status === 'active' && slots_remaining > 0,
    );
    const campaign = oneByWeight(open, ({ id }) => this.#appealOf(id));
    if (campaign === undefined) return;
    const crowd = randomBoolean(0.04) ? wholeBetween(3, 8) : 1;
    await Promise.all(Array.from({ length: crowd }, () => this.#join(campaign)));
  }

  async #join(campaign: SeenCampaign): Promise<void> {
    const number = wholeBetween(1, demoBuyerCount);
    const most = Math.min(campaign.max_slots_per_user ?? 4, campaign.slots_remaining);
    const joinRequest = oneByWeight([1, 2, 3, 4], (slots) => 8 / slots ** 2) ?? 1;
    const note = demoNote(number);
    const joined = await this.#client.post<{ id: string }>(
      `/campaigns/${campaign.id}/join`,
      {
        user_id: demoBuyer(number).userId,
        quantity: Math.max(campaign.min_slots_per_user ?? 1, Math.min(joinRequest, most)),
        shipping_address: demoAddress(number),
        ...(note === undefined ? {} : { note }),
      },
      { 'idempotency-key': newId() },
    );
    const upfront = campaign.payment_timing === 'upfront';
    this.#pledges.push({ participationId: joined.id, upfront });
    if (this.#pledges.length > mostPledges) this.#pledges.shift();
  }

  /** Makes one buyer pay or cancel an order; sometimes the buyer does nothing. */
  async #reconsider(): Promise<void> {
    const index = wholeBetween(0, this.#pledges.length - 1);
    const [pledge] = this.#pledges.splice(Math.max(0, index), 1);
    if (pledge === undefined) return;
    const path = `/participations/${pledge.participationId}`;
    if (pledge.upfront && randomBoolean(0.85)) {
      await this.#client.post(`${path}/confirm`, { reference: 'DEMO-TRANSFER' });
    } else if (randomBoolean(0.15)) {
      await this.#client.post(`${path}/cancel`, { reason: 'Berubah pikiran.' });
    }
  }

  /** Makes a seller open a campaign or, rarely, cancel one. */
  async #open(): Promise<void> {
    const brief = this.#campaigns.filter(
      ({ status, deadline }) =>
        (status === 'active' || status === 'scheduled') &&
        Date.parse(deadline) < Date.now() + briefMs,
    );
    const mine = brief.filter(({ id }) => this.#appeals.has(id));
    const unlucky = oneOf(mine);
    if (unlucky !== undefined && randomBoolean(0.06)) {
      const reason = 'Bahan baku terlambat datang.';
      await this.#client.post(`/campaigns/${unlucky.id}/cancel`, { reason });
      return;
    }
    if (brief.length >= mostUnderWay) return;
    const product = oneOf(await this.#enabledProducts());
    if (product === undefined) return;
    const { body, appeal } = inventOpening(product);
    const { id } = await this.#client.post<SeenCampaign>('/campaigns', body);
    this.#appeals.set(id, appeal);
  }

  async #enabledProducts(): Promise<readonly SeenProduct[]> {
    if (this.#products.length === 0) {
      const { items } = await this.#client.get<{ items: SeenProduct[] }>('/products?limit=100');
      this.#products = items.filter((product) => product.sambatan_enabled);
    }
    return this.#products;
  }

  /**
   * Returns how many buyers a campaign attracts. For a campaign that the simulation did not open,
   * the number is derived from the id.
   */
  #appealOf(id: string): number {
    return this.#appeals.get(id) ?? 0.1 + Number.parseInt(id.slice(-2), 16) / 512;
  }
}

function forgetBut(map: Map<string, unknown>, campaigns: readonly SeenCampaign[]): void {
  const seen = new Set(campaigns.map(({ id }) => id));
  for (const id of map.keys()) if (!seen.has(id)) map.delete(id);
}
