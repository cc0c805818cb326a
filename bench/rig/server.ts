import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { start } from '../../test/support/server/started.ts';
import type { OtherWay } from './variants.ts';

/** `ours` is the command `sambatan serve` as it is. */
export type Way = 'ours' | OtherWay;

/** A server of the service in a process of its own. */
export interface Server {
  readonly url: string;
  readonly pid: number;
  readonly databaseUrl: string;
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly way: Way;
  readonly databaseUrl: string;
  /** Environment variables beside those that every server gets. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Options of Node, such as `--cpu-prof`. */
  readonly nodeOptions?: readonly string[];
}

/** The secret of benchmark servers: they run for minutes and listen on loopback only. */
export const serviceKey = 'bench-service-key-0123456789-0123456789';

const root = resolve(import.meta.dirname, '../..');
/** What npm start gives to Node. */
const asStarted = ['--max-semi-space-size=8'];

const cleanups: (() => unknown)[] = [];
/** `stopServers` runs every clean-up that is registered here. */
export const untilStopped = {
  after: (end: unknown) => void cleanups.push(end as () => unknown),
};

/** Ends whatever still runs. */
export async function stopServers(): Promise<void> {
  for (const end of cleanups.splice(0)) await end();
}

/** Starts a server with the settings of production and waits until it is ready. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { way, databaseUrl, environment = {}, nodeOptions = [] } = options;
  const program =
    way === 'ours'
      ? [join(root, 'src/main.ts'), 'serve']
      : [join(import.meta.dirname, 'serve-variant.ts'), way];
  const {
    process: server,
    url,
    ended,
  } = await start(untilStopped, {
    command: [process.execPath, ...asStarted, ...nodeOptions, ...program],
    // Not beside the sources: a developer's .env is not to count.
    cwd: tmpdir(),
    // The log is written as in production, to where writing costs nobody but the server.
    isQuiet: true,
    variables: {
      NODE_ENV: 'production',
      // As npm start has it.
      NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node'),
      // Tells the service to end with its parent.
      npm_lifecycle_event: 'bench',
      DATABASE_URL: databaseUrl,
      SAMBATAN_SERVICE_KEY: serviceKey,
      LOG_LEVEL: 'info',
      ...environment,
    },
  });
  const stop = async (): Promise<void> => {
    server.kill('SIGTERM');
    await ended;
  };
  return { url, pid: server.pid!, databaseUrl, stop };
}
