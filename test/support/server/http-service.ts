import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { readConfig } from '../../../src/config/config.ts';
import { createApp, type App, type AppOptions } from '../../../src/app/app.ts';
import { createLog } from '../../../src/server/logging.ts';
import { siteFilePlugins, sitePages } from '../../../src/server/site/pages.ts';
import { apiRoutes } from '../../../src/server/routes.ts';
import { buildServer, stopServer, type ClientLimits } from '../../../src/server/server.ts';
import { newId } from '../../../src/identity/ids.ts';
import { Client, issuer, jwtSecret, token, type Connection } from '../clients/client.ts';
import { Contract, type OpenApi } from '../clients/contract.ts';
import { testDatabase, type TestDatabase } from '../database/database.ts';

export const serviceKey = 'service-key-of-at-least-32-characters';

export interface HttpServiceOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Whether the service runs the scheduler; default: no. */
  readonly scheduler?: boolean;
  /** Whether the service plans and delivers notifications; default: no. */
  readonly messages?: boolean;
  /** The database URL that the service uses, if it is not the URL that the test uses. */
  readonly proxiedDatabase?: (databaseUrl: string) => Promise<string>;
  readonly batching?: NonNullable<AppOptions['batching']>;
  readonly invariants?: boolean;
  /** Time limits for clients, if they differ from those in production. */
  readonly timeouts?: ClientLimits;
  /** Another service process whose database this one uses too. */
  readonly sharedWith?: HttpService;
  /** Replaces the service key and the key that encrypts stored secrets. */
  readonly keys?: { readonly serviceKey: string; readonly secretKey?: string };
}

/** A service with a separate database on a free port, and clients of that service. */
export interface HttpService {
  readonly url: string;
  readonly databaseUrl: string;
  readonly app: App;
  readonly server: FastifyInstance;
  /** The test's own connection to the database. */
  readonly db: TestDatabase['db'];
  /** `METHOD /path/:with/parameters` of every registered route. */
  readonly routes: readonly string[];
  /**
   * The same as `routes`, but for paths to which forms are sent. A GET of such a path only
   * redirects to the page of the form.
   */
  readonly formPaths: readonly string[];
  readonly contract: Contract;
  readonly logged: readonly string[];
  readonly secrets: Set<string>;
  readonly visitor: Client;
  readonly service: Client;
  user(userId?: string): Promise<Client>;
  operator(): Promise<Client>;
  withToken(token: string): Client;
  /**
   * Closes everything. Rejects if a secret was logged or an invariant is violated. May be called
   * more than once.
   */
  close(): Promise<void>;
}

/** Starts the service as `sambatan serve` does, on a clone of the test database. */
export async function startHttpService(options: HttpServiceOptions = {}): Promise<HttpService> {
  const { invariants = true, proxiedDatabase: reach = async (url: string) => url } = options;
  const { sharedWith: beside } = options;
  const database =
    beside === undefined
      ? await testDatabase({ invariants })
      : { url: beside.databaseUrl, db: beside.db, close: async () => undefined };
  const logged: string[] = [];
  const { log } = createLog('debug', lineKeeper(logged));
  const dataDirectory = await mkdtemp(join(tmpdir(), 'sambatan-http-'));
  const environment = {
    ...settings,
    SAMBATAN_DATA_DIR: dataDirectory,
    ...options.environment,
  };
  const app = createApp({
    config: readConfig(environment),
    log,
    databaseUrl: await reach(database.url),
    serviceKey,
    ...options.keys,
    ...(options.batching === undefined ? {} : { batching: options.batching }),
  });
  const { server, routes, formPaths } = await recordingRoutes(() =>
    buildServer(
      { ...app, isDraining: () => false },
      apiRoutes(app),
      sitePages(app),
      siteFilePlugins(app),
      options.timeouts,
    ),
  );
  await app.changeNotifier.start();
  if (options.scheduler === true) await app.scheduler.start();
  if (options.messages === true) app.notifications.start();
  await server.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;

  const described = await server.inject('/api/docs/json');
  const contract = new Contract(described.json<OpenApi>());
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  const secrets = new Set([serviceKey, jwtSecret]);
  const connection: Connection = { url, agent, contract, secrets };
  const close = async (): Promise<void> => {
    const scraped = await app.metrics.registry.metrics();
    agent.destroy();
    await stopServer(server, 2_000);
    await app.close();
    await database.close();
    await rm(dataDirectory, { recursive: true, force: true });
    assertNoSecretLogged([...logged, scraped], secrets);
  };
  let closing: Promise<void> | undefined;
  return {
    url,
    databaseUrl: database.url,
    app,
    server,
    db: database.db,
    routes,
    formPaths,
    contract,
    logged,
    secrets,
    visitor: new Client(connection),
    service: new Client(connection, serviceKey),
    user: async (userId = newId()) => new Client(connection, await token(userId), userId),
    operator: async () => {
      const userId = newId();
      const claims = { app_metadata: { role: 'operator' } };
      return new Client(connection, await token(userId, { claims }), userId);
    },
    withToken: (given) => new Client(connection, given),
    close: () => (closing ??= close()),
  };
}

const settings = {
  SAMBATAN_JWT_SECRET: jwtSecret,
  SAMBATAN_JWT_ISSUER: issuer,
  SAMBATAN_JOIN_RATE_LIMIT: '0',
};

function lineKeeper(lines: string[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
}

/** Records the routes that are really registered, whatever the documentation lists. */
async function recordingRoutes(build: () => Promise<FastifyInstance>) {
  const routes: string[] = [];
  const formPaths: string[] = [];
  const watch = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance };
    fastify.addHook('onRoute', ({ method, url, config }) => {
      const into = config?.leadsBack === true ? formPaths : routes;
      for (const one of [method].flat()) into.push(`${one} ${url}`);
    });
  };
  subscribe('fastify.initialization', watch);
  try {
    return { server: await build(), routes, formPaths };
  } finally {
    unsubscribe('fastify.initialization', watch);
  }
}

/** Fails if a log line contains a secret. */
export function assertNoSecretLogged(lines: readonly string[], secrets: ReadonlySet<string>): void {
  const all = lines.join('');
  for (const secret of secrets) {
    const asJson = JSON.stringify(secret).slice(1, -1);
    const found = all.includes(secret) || all.includes(asJson);
    assert.ok(!found, `the log or the metrics hold ${JSON.stringify(secret.slice(0, 60))}`);
  }
}
