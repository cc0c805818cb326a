import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { startEmbedded } from '../../src/database/embedded/start.ts';
import { findViolations } from '../../src/database/invariants.ts';
import { migrate } from '../../src/database/migrate.ts';
import { newId } from '../../src/identity/ids.ts';
import { asAdmin } from '../support/database/cluster.ts';
import type { Client } from '../support/clients/client.ts';
import { recordingLog } from '../support/server/log.ts';
import { directory } from '../support/server/service.ts';
import { fromNow, hourMs } from '../support/builders/shop.ts';
import { startServiceProcess, type StartedService } from '../support/server/started.ts';
import { openStream } from '../support/clients/stream.ts';
import { waitUntil } from '../support/server/until.ts';

const project = join(import.meta.dirname, '../..');
const serviceKey = 'service-key-of-at-least-32-characters';

/** The resources that an idle service uses after garbage collection. */
export interface Sample {
  readonly requests: number;
  readonly heapMegabytes: number;
  readonly externalMegabytes: number;
  readonly residentMegabytes: number;
  readonly sockets: number;
  readonly timers: number;
  /** The number of all resources that keep the event loop alive. */
  readonly resources: number;
  readonly listeners: number;
  readonly connections: number;
}

export interface SoakOptions {
  readonly seconds: number;
  /** The number of equal parts of the run. A sample is taken after each part. */
  readonly parts: number;
  readonly lanes: number;
  readonly say: (line: string) => void;
}

/** Simulates many users of a service and samples the resources that the service uses. */
export async function soak(t: Pick<TestContext, 'after'>, options: SoakOptions): Promise<Sample[]> {
  const server = await startEmbedded({ dataDir: directory(), log: recordingLog() });
  t.after(() => server.stop());
  await migrate(server.url, { log: recordingLog() });
  const file = join(directory(), 'probe.json');
  const service = await startServiceProcess(t, {
    command: [
      process.execPath,
      '--expose-gc',
      '--import',
      join(import.meta.dirname, 'probe.ts'),
      join(project, 'src/main.ts'),
      'serve',
    ],
    cwd: '/',
    dataDir: directory(),
    variables: {
      DATABASE_URL: server.url,
      SAMBATAN_SERVICE_KEY: serviceKey,
      LOG_LEVEL: 'error',
      SOAK_PROBE: file,
    },
  });
  const crowd = await Crowd.gather(service);
  const samples: Sample[] = [];
  for (let part = 0; part < options.parts; part++) {
    await crowd.live(options.lanes, options.seconds / options.parts);
    samples.push(await takeSample(service, server.url, file, crowd.requests));
    options.say(formatSample(samples.at(-1)!));
  }
  assert.deepEqual(crowd.surprises, {});
  assert.deepEqual(await findViolations(server.url), []);
  return samples;
}

/** Waits until all users have left and no work is in progress, then takes a sample. */
async function takeSample(
  service: StartedService,
  databaseUrl: string,
  file: string,
  requests: number,
): Promise<Sample> {
  // Waits longer than notifications can be delayed and longer than idle connections stay in the
  // pool.
  await new Promise((go) => setTimeout(go, 3_000));
  rmSync(file, { force: true });
  process.kill(service.process.pid!, 'SIGUSR2');
  let text = '';
  await waitUntil(() => {
    try {
      text = readFileSync(file, 'utf8');
      return true;
    } catch {
      return false;
    }
  });
  const seen = JSON.parse(text) as {
    heapUsed: number;
    external: number;
    rss: number;
    listeners: number;
    resources: Record<string, number>;
  };
  const { rows } = (await asAdmin(
    databaseUrl,
    "select count(*)::integer as count from pg_stat_activity where application_name = 'sambatan'",
  )) as { rows: { count: number }[] };
  const of = (kind: RegExp) =>
    Object.entries(seen.resources)
      .filter(([name]) => kind.test(name))
      .reduce((sum, [, count]) => sum + count, 0);
  return {
    requests,
    heapMegabytes: seen.heapUsed / 1e6,
    externalMegabytes: seen.external / 1e6,
    residentMegabytes: seen.rss / 1e6,
    sockets: of(/^(TCPSocketWrap|PipeWrap)$/),
    timers: of(/^Timeout$/),
    resources: of(/./),
    listeners: seen.listeners,
    connections: rows[0]!.count,
  };
}

/** Writes a sample as one line of text. */
export function formatSample(sample: Sample): string {
  const megabytes = (value: number) => value.toFixed(1);
  return (
    `${sample.requests} requests: heap ${megabytes(sample.heapMegabytes)} MB, ` +
    `outside it ${megabytes(sample.externalMegabytes)} MB, resident ${Math.round(sample.residentMegabytes)} MB, ` +
    `${sample.sockets} sockets, ${sample.timers} timers, ${sample.resources} resources, ` +
    `${sample.listeners} listeners, ${sample.connections} database connections`
  );
}

/**
 * The maximum increase of each value over the whole run, measured on the regression line of the
 * samples.
 */
const mayGrow = {
  heapMegabytes: 6,
  externalMegabytes: 6,
  sockets: 6,
  timers: 6,
  resources: 12,
  listeners: 0.5,
  connections: 6,
} as const satisfies Partial<Record<keyof Sample, number>>;

/**
 * The values that increased too much, as sentences. The first third of the samples is left out,
 * because at the beginning caches fill and code is compiled.
 */
export function findGrowth(samples: readonly Sample[]): string[] {
  const settled = samples.slice(Math.max(1, Math.floor(samples.length / 3)));
  return (Object.keys(mayGrow) as (keyof typeof mayGrow)[]).flatMap((what) => {
    const growth = slope(settled.map((sample) => sample[what])) * (settled.length - 1);
    return growth > mayGrow[what] ? [`${what} grew by ${growth.toFixed(1)}`] : [];
  });
}

/** The slope of the least-squares line through values with equal distances. */
function slope(values: readonly number[]): number {
  const middle = (values.length - 1) / 2;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  let over = 0;
  let under = 0;
  for (const [at, value] of values.entries()) {
    over += (at - middle) * (value - mean);
    under += (at - middle) ** 2;
  }
  return under === 0 ? 0 : over / under;
}

/** Users who browse, join, cancel, watch campaigns, sell, and make mistakes. */
class Crowd {
  requests = 0;
  /** Answers that were not expected, with their number. */
  readonly surprises: Record<string, number> = {};
  readonly #service: StartedService;
  readonly #backend: Client;
  readonly #product: string;
  #campaign = '';
  #isOpening = false;

  private constructor(service: StartedService, product: string) {
    this.#service = service;
    this.#backend = service.client(serviceKey);
    this.#product = product;
  }

  static async gather(service: StartedService): Promise<Crowd> {
    const backend = service.client(serviceKey);
    const brand = await backend.post('/brands', { name: 'Melati Wangi', owner_id: newId() });
    const product = await backend.post('/products', {
      brand_id: brand.body.id,
      name: 'Senja',
      base_price: 150_000,
      sambatan_enabled: true,
    });
    assert.equal(product.status, 201, product.text);
    const crowd = new Crowd(service, product.body.id);
    await crowd.#open();
    return crowd;
  }

  async live(lanes: number, seconds: number): Promise<void> {
    const end = performance.now() + seconds * 1_000;
    const lane = async (number: number) => {
      for (let turn = 0; performance.now() < end; turn++) {
        await this.#turn(number * 1_000_003 + turn);
      }
    };
    await Promise.all(Array.from({ length: lanes }, (_, number) => lane(number)));
  }

  /** The requests that a new user sends during one visit. */
  async #turn(number: number): Promise<void> {
    const id = this.#campaign;
    const userId = newId();
    const body = { user_id: userId, quantity: 1, shipping_address: 'Jalan Kenanga 12, Bandung' };
    await this.#ask(200, 'GET', `//${number % 2 === 0 ? '' : 'en/'}sambatan/${id}`);
    await this.#ask(200, 'GET', `/campaigns/${id}/progress`);
    const joined = await this.#ask(201, 'POST', `/campaigns/${id}/join`, body);
    await this.#ask(200, 'GET', `/campaigns?limit=20`);
    if (number % 3 === 0) {
      await this.#ask(200, 'POST', `/participations/${joined.id}/cancel`);
    }
    if (number % 5 === 0) {
      await this.#ask(404, 'GET', `/campaigns/${newId()}`);
      await this.#ask(422, 'POST', `/campaigns/${id}/join`, { ...body, quantity: 'dua' });
      await this.#ask(404, 'GET', '//tidak/ada');
    }
    if (number % 7 === 0) {
      const watcher = await openStream(this.#service.url, id);
      await watcher.heard(({ event }) => event === 'progress');
      watcher.end();
      this.requests++;
    }
    if (number % 400 === 0 && !this.#isOpening) await this.#open();
  }

  /**
   * Opens another campaign. The previous campaign can still be read, and is cancelled a second
   * later.
   */
  async #open(): Promise<void> {
    this.#isOpening = true;
    const before = this.#campaign;
    const made = await this.#ask(201, 'POST', '/campaigns', {
      product_id: this.#product,
      title: 'Senja batch pertama',
      total_slots: 100_000,
      price_per_slot: 100_000,
      deadline: fromNow(hourMs),
      publish: true,
    });
    this.#campaign = made.id;
    this.#isOpening = false;
    if (before === '') return;
    await new Promise((go) => setTimeout(go, 1_000));
    await this.#ask(200, 'POST', `/campaigns/${before}/cancel`, { reason: 'bahan habis' });
  }

  async #ask(expected: number, method: string, path: string, body?: object) {
    this.requests++;
    const answer = await this.#backend.send({ method, path, ...(body && { body }) });
    if (answer.status !== expected) {
      const what = `${method} ${path.replaceAll(/[0-9a-f-]{36}/g, ':id')} ${answer.status} ${answer.body.code}`;
      this.surprises[what] = (this.surprises[what] ?? 0) + 1;
    }
    return answer.body;
  }
}
