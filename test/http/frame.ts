import { Writable } from 'node:stream';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { readConfig } from '../../src/config/config.ts';
import { openDatabase } from '../../src/database/pool.ts';
import { KeptForms } from '../../src/http/kept-form.ts';
import { ConnectionFailure } from '../../src/database/errors.ts';
import { DomainError } from '../../src/errors/errors.ts';
import { WaitingPlaces } from '../../src/overload/waiting-place.ts';
import { ConcurrencyLimiter } from '../../src/overload/concurrency-limit.ts';
import { LiveUpdates } from '../../src/live/live-updates.ts';
import type { LiveOptions, LiveSources, Position, Snapshot } from '../../src/live/live-updates.ts';
import { createLog } from '../../src/server/logging.ts';
import {
  choice,
  closed,
  Id,
  nullable,
  pageQuery,
  problems,
  Rupiah,
  RupiahInput,
  text,
  Timestamp,
  TimestampInput,
} from '../../src/http/schemas.ts';
import { buildServer } from '../../src/server/server.ts';
import type { ClientLimits, ServerDeps } from '../../src/server/server.ts';
import { authenticator } from '../../src/identity/authenticate.ts';
import { authorize } from '../../src/identity/policy.ts';
import { createMetrics } from '../../src/observability/metrics.ts';

export const serviceKey = 'service-key-of-at-least-32-characters';
export const asService = { authorization: `Bearer ${serviceKey}` };

export interface TestServer {
  readonly server: FastifyInstance;
  readonly logged: Record<string, unknown>[];
  readonly campaigns: FakeCampaigns;
  /** What the database does when the health check asks it. */
  database: () => Promise<unknown>;
  /** Whether the health check reports that the installation is in quarantine. */
  held: boolean;
}

/** Starts the HTTP server with test routes, and collects its log lines. */
export async function startTestServer(
  environment: Record<string, string> = {},
  scheduler?: ServerDeps['scheduler'],
  liveOptions: Partial<LiveOptions> = {},
  clients: ClientLimits = {},
): Promise<TestServer> {
  const config = readConfig({ LOG_LEVEL: 'debug', ...environment });
  const logged: Record<string, unknown>[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged.push(JSON.parse(chunk.toString()) as Record<string, unknown>);
      done();
    },
  });
  const admission = new ConcurrencyLimiter({ maxInFlight: config.http.maxInFlight });
  const metrics = createMetrics({
    poolStats: () => ({ total: 3, idle: 2, waiting: 0 }),
    joinQueueDepth: () => 0,
    concurrencyLimiter: admission,
  });
  const campaigns = new FakeCampaigns();
  const log = createLog(config.log.level, destination).log;
  const live = new LiveUpdates(
    { ...campaigns.sources, log, metrics },
    { pollMs: 60_000, ...liveOptions },
  );
  const built = {
    campaigns,
    logged,
    held: false,
    database: () => Promise.resolve() as Promise<unknown>,
  };
  const server = await buildServer(
    {
      config,
      log,
      metrics,
      concurrencyLimiter: admission,
      authenticate: authenticator({ ...config.identity, serviceKey }),
      findSession: async () => undefined,
      pingDatabase: () => built.database(),
      isQuarantined: async () => built.held,
      scheduler,
      live,
      // No route of this server uses the database, so the URL leads nowhere.
      db: openDatabase({ url: 'postgres://127.0.0.1:1/none', log }),
      trace: undefined,
      notifications: undefined,
      logWriter: undefined,
      signIn: undefined,
      keptForms: new KeptForms(serviceKey),
      waitingPlaces: new WaitingPlaces(serviceKey, false),
      isDraining: () => false,
    },
    [things, watching(live)],
    [],
    [],
    clients,
  );
  return Object.assign(built, { server });
}

const Thing = closed({
  thing_id: Id,
  price: Rupiah,
  made_at: Timestamp,
  colour: nullable(Type.String()),
});
const NewThing = closed({
  title: text(3, 20),
  slots: Type.Integer({ minimum: 1, maximum: 5 }),
  price: Type.Optional(RupiahInput),
  deadline: Type.Optional(TimestampInput),
  colour: Type.Optional(choice(['merah', 'putih'])),
  note: Type.Optional(nullable(text(0, 10))),
  parts: Type.Optional(Type.Array(closed({ name: text(1, 5) }), { maxItems: 2 })),
});

const things: FastifyPluginAsyncTypebox = async (server) => {
  server.get(
    '/things/:thing_id',
    {
      schema: {
        params: closed({ thing_id: Id }),
        response: { 200: Thing, ...problems('campaign_not_found', 'slots_unavailable') },
      },
    },
    async ({ params }) => ({
      thing_id: params.thing_id,
      price: 9_007_199_254_740_993n,
      made_at: new Date('2026-08-17T10:00:00Z'),
      colour: null,
      secret: 'not for anybody',
    }),
  );
  server.post(
    '/things',
    { schema: { body: NewThing, response: { 201: NewThing, ...problems() } } },
    async ({ body }, reply) => reply.code(201).send(body),
  );
  server.get(
    '/things',
    { schema: { querystring: closed({ ...pageQuery, q: Type.Optional(text(1, 20)) }) } },
    async ({ query }) => query,
  );
  server.post('/join', { config: { joinAttempt: true } }, async ({ actor }) => {
    authorize(actor, 'participation.join');
    return {};
  });
  server.get('/address', async ({ actor }) => actor);
  server.get('/refused', async () => {
    throw new DomainError('slots_unavailable', { remaining: 2 });
  });
  server.get('/busy', async () => {
    throw new DomainError('campaign_busy', {});
  });
  const cutOff = async () => {
    throw new ConnectionFailure(new Error('the connection ended'), { safe: false });
  };
  server.get('/cut-off', cutOff);
  server.post('/cut-off', cutOff);
  server.get('/broken', async () => {
    throw Object.assign(new Error('broke'), { detail: 'Jalan Melati 5' });
  });
};

const watching =
  (live: LiveUpdates): FastifyPluginAsyncTypebox =>
  async (server) => {
    server.get(
      '/things/:thing_id/events',
      {
        schema: { params: closed({ thing_id: Id }) },
        config: { eventStream: true },
        exposeHeadRoute: false,
      },
      async (request, reply) => {
        await live.watch(request.params.thing_id, request, reply);
        return reply;
      },
    );
  };

/** Replaces the database: campaigns that change when a test wants it. */
export class FakeCampaigns {
  readonly campaigns = new Map<string, { seq: bigint; filled: number; events: Snapshot[] }>();
  readings = 0;
  failing = false;
  #poke: (campaignId: string | null) => void = () => undefined;

  readonly sources: Pick<LiveSources, 'progressOf' | 'eventsAfter' | 'onPoke'> = {
    progressOf: async (ids) => {
      this.readings++;
      if (this.failing) throw new Error('away');
      return ids.flatMap((campaignId) => {
        const found = this.campaigns.get(campaignId);
        if (!found) return [];
        return [{ campaignId, seq: found.seq, json: JSON.stringify({ filled: found.filled }) }];
      });
    },
    eventsAfter: async (positions) => positions.flatMap((one) => this.#after(one)),
    onPoke: (listener) => {
      this.#poke = listener;
      return () => undefined;
    },
  };

  open(campaignId: string): void {
    this.campaigns.set(campaignId, { seq: 1n, filled: 0, events: [] });
  }

  /** Takes one more slot of a campaign. With `tell` the listeners are notified. */
  join(campaignId: string, tell = true): void {
    const campaign = this.campaigns.get(campaignId)!;
    campaign.seq++;
    campaign.filled++;
    if (tell) this.#poke(campaignId);
  }

  happen(campaignId: string, event: string): void {
    const campaign = this.campaigns.get(campaignId)!;
    campaign.seq++;
    campaign.events.push({ campaignId, seq: campaign.seq, json: JSON.stringify({ event }) });
    this.#poke(campaignId);
  }

  #after({ campaignId, seq }: Position): Snapshot[] {
    return this.campaigns.get(campaignId)?.events.filter((event) => event.seq > seq) ?? [];
  }
}
