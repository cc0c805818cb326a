import type { Logger } from 'pino';
import { createApp, type App } from '../app/app.ts';
import type { Config } from '../config/config.ts';
import { generatedKey, type GeneratedKey } from '../identity/generated-keys.ts';
import type { Trace } from '../observability/trace.ts';
import { createLog } from '../server/logging.ts';
import { readyDatabase } from './database.ts';

/** The application of a running service. */
export interface Service {
  readonly app: App;
  /** The service key if this start generated it; it is shown only once. */
  readonly newServiceKey: string | undefined;
  /** Stops the application, then the database, then the log. Idempotent. */
  stop(): Promise<void>;
}

/** Opens the parts that the HTTP server and the worker need: log, database, schema, application. */
export async function openService(config: Config): Promise<Service> {
  const { log, flush } = createLog(config.log.level);
  const database = await readyDatabase(config, log);
  const { service: key, secret } = await keysOf(config);
  const trace = await openTraces(config, log);
  const app = createApp({
    config,
    log,
    databaseUrl: database.url,
    serviceKey: key.key,
    secretKey: secret,
    trace,
  });
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await app.close();
    await trace?.close();
    await database.stop();
    flush();
  };
  return {
    app,
    newServiceKey: key.created ? key.key : undefined,
    stop: () => (stopping ??= stop()),
  };
}

/**
 * Returns the configured keys. With the embedded database, a key that is not configured is
 * generated.
 */
async function keysOf({ identity, database }: Config): Promise<{
  readonly service: Pick<GeneratedKey, 'key' | 'created'>;
  readonly secret: string;
}> {
  const service =
    identity.serviceKey === undefined
      ? await generatedKey(database.dataDirectory, 'service-key')
      : { key: identity.serviceKey, created: false };
  if (identity.secretKey !== undefined) return { service, secret: identity.secretKey };
  if (database.url !== undefined) return { service, secret: service.key };
  return { service, secret: (await generatedKey(database.dataDirectory, 'secret-key')).key };
}

/** Loads the code for tracing only if tracing is configured. */
async function openTraces({ traces }: Config, log: Logger): Promise<Trace | undefined> {
  const { url } = traces;
  if (url === undefined) return undefined;
  const { openTrace } = await import('../observability/otlp.ts');
  return openTrace({ ...traces, url, log });
}
