import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startServiceProcess } from '../../test/support/server/started.ts';
import type { OtherWay } from './variants.ts';

/** `ours` is the unchanged command `sambatan serve`; the others are started by serve-variant.ts. */
export type Way = 'ours' | OtherWay;

/** A server of the service in a separate process. */
export interface Server {
  readonly url: string;
  readonly pid: number;
  readonly databaseUrl: string;
  stop(): Promise<void>;
}

export interface ServerOptions {
  readonly way: Way;
  readonly databaseUrl: string;
  /** False: only HTTP, without background jobs. */
  readonly withWorker?: boolean;
  /** Options of Node, such as `--cpu-prof`. */
  readonly nodeOptions?: readonly string[];
}

/** The service key of benchmark servers. It is public, because they listen on loopback only. */
export const serviceKey = 'bench-service-key-0123456789-0123456789';

const root = resolve(import.meta.dirname, '../..');
/** The options that `npm start` passes to Node. */
const asStarted = ['--max-semi-space-size=8'];

const cleanups: (() => unknown)[] = [];
/** `stopServers` runs every registered clean-up. */
export const onStop = {
  after: (end: unknown) => void cleanups.push(end as () => unknown),
};

/** Stops everything that still runs. */
export async function stopServers(): Promise<void> {
  for (const end of cleanups.splice(0)) await end();
}

/** Starts a server with production settings and waits until it is ready. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { way, databaseUrl, withWorker = true, nodeOptions = [] } = options;
  const program =
    way === 'ours'
      ? [join(root, 'src/main.ts'), 'serve', ...(withWorker ? [] : ['--no-worker'])]
      : [join(import.meta.dirname, 'serve-variant.ts'), way];
  const {
    process: server,
    url,
    ended,
  } = await startServiceProcess(onStop, {
    command: [process.execPath, ...asStarted, ...nodeOptions, ...program],
    // Not the project's directory, because the service would then read the developer's .env.
    cwd: tmpdir(),
    // The log is written as in production, but to /dev/null, so that no other process reads it.
    isQuiet: true,
    variables: {
      NODE_ENV: 'production',
      // The same value as in `npm start`.
      NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node'),
      // Makes the service stop with its parent.
      npm_lifecycle_event: 'bench',
      DATABASE_URL: databaseUrl,
      SAMBATAN_SERVICE_KEY: serviceKey,
      LOG_LEVEL: 'info',
    },
  });
  const stop = async (): Promise<void> => {
    server.kill('SIGTERM');
    await ended;
  };
  return { url, pid: server.pid!, databaseUrl, stop };
}
