import type { CampaignStatus } from '../database/status-words.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../database/log.ts';
import { newId } from '../identity/ids.ts';
import { between, randomBoolean, oneByWeight, oneOf, wholeBetween } from './chance.ts';
import { DemoClient, Refused, type SeenCampaign, type SeenProduct } from './client.ts';
import { inventOpening } from './openings.ts';
import { demoAddress, demoBuyer, demoBuyerCount, demoNote } from './people.ts';

export interface SimulationOptions {
  /** The service's base URL. */
  readonly url: string;
  readonly serviceKey: string;
  readonly log: Log;
  /** Called with each campaign that opens, fills or ends. */
  readonly onNews?: (campaign: SeenCampaign) => void;
}

/** A join that its buyer may still pay or cancel. */
interface Pledge {
  readonly participationId: string;
  readonly upfront: boolean;
}

/** Minimum and maximum milliseconds between steps: about one join a second. */
const rhythms = {
  look: [1_500, 1_500],
  buy: [200, 1_800],
  reconsider: [800, 3_000],
  open: [8_000, 16_000],
} as const;
/** Number of the newest campaigns that simulated buyers see. */
const seenAtOnce = 100;
/** Maximum number of campaigns that are open or about to open. */
const mostUnderWay = 10;
const briefMs = 10 * 60_000;
const mostPledges = 300;
const longestPauseMs = 30_000;

/**
 * Simulated buyers and sellers over HTTP: they join, pay, cancel, and open new campaigns. The load
 * is bounded: four loops with one request at a time each. A loop whose step fails waits longer and
 * continues; nothing is thrown.
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

  /** Starts; returns at once. */
  start(): void {
    this.#loops = Promise.all([
      this.#repeat(rhythms.look, () => this.#look()),
      this.#repeat(rhythms.buy, () => this.#buy()),
      this.#repeat(rhythms.reconsider, () => this.#reconsider()),
      this.#repeat(rhythms.open, () => this.#open()),
    ]);
  }

  /** Aborts requests in flight and resolves when every loop has ended. Idempotent. */
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
        // A refusal by the rules is normal; any other error leads to a back-off.
        const isRefusal = error instanceof Refused && error.status < 500;
        failures = isRefusal ? 0 : failures + 1;
        if (!signal.aborted) this.#log.debug({ err: error }, 'a step of the simulation failed');
      }
      const pause = Math.min(between(least, most) * 2 ** Math.min(failures, 8), longestPauseMs);
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Polls the newest campaigns and reports changes. */
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
    // A campaign that was just opened may not be in the list yet.
    if (this.#appeals.size > 2 * seenAtOnce) forgetBut(this.#appeals, items);
  }

  /** One buyer joins; sometimes several at once. */
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

  /** A buyer who has joined pays or cancels. */
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

  /** A seller opens a campaign or, rarely, cancels one. */
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

  /** Returns the popularity of a campaign; derived from the id for an older one. */
  #appealOf(id: string): number {
    return this.#appeals.get(id) ?? 0.1 + Number.parseInt(id.slice(-2), 16) / 512;
  }
}

function forgetBut(map: Map<string, unknown>, campaigns: readonly SeenCampaign[]): void {
  const seen = new Set(campaigns.map(({ id }) => id));
  for (const id of map.keys()) if (!seen.has(id)) map.delete(id);
}
