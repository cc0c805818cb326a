import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { tokenIssuer } from '../load/requests.ts';
import type { OtherWay } from './variants.ts';

/** `ours` is the command `sambatan serve` as it is. */
export type Way = 'ours' | OtherWay;

/** A server of the service in a process of its own. */
export interface Server {
  readonly url: string;
  readonly pid: number;
  readonly databaseUrl: string;
  /** Milliseconds from its launch to its readiness. */
  readonly readyAfterMs: number;
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

/** Secrets of servers that live for minutes and hear nobody but this machine. */
export const serviceKey = 'bench-service-key-0123456789-0123456789';
export const tokenSecret = 'bench-token-secret-0123456789-0123456789';

const root = resolve(import.meta.dirname, '../..');
/** What npm start gives to Node. */
const asStarted = ['--max-semi-space-size=8'];
const readyWithinMs = 120_000;

const running = new Set<ChildProcess>();

/** Ends whatever still runs, at once: for a benchmark that was interrupted. */
export async function stopServers(): Promise<void> {
  await Promise.all(
    [...running].map(async (server) => {
      const gone = once(server, 'exit');
      server.kill('SIGKILL');
      await gone;
    }),
  );
}

/** Starts a server with the settings of production and waits until it is ready. */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { way, databaseUrl, environment = {}, nodeOptions = [] } = options;
  const port = await freePort();
  const program =
    way === 'ours'
      ? [join(root, 'src/main.ts'), 'serve']
      : [join(import.meta.dirname, 'serve-variant.ts'), way];
  const begin = performance.now();
  const server = spawn(process.execPath, [...asStarted, ...nodeOptions, ...program], {
    // Not beside the sources: a developer's .env is not to count.
    cwd: tmpdir(),
    // The log is written as in production, to where writing costs nobody but the server.
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      // As npm start has it.
      NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/node'),
      // Tells the service to end with its parent.
      npm_lifecycle_event: 'bench',
      PORT: String(port),
      DATABASE_URL: databaseUrl,
      SAMBATAN_SERVICE_KEY: serviceKey,
      SAMBATAN_JWT_SECRET: tokenSecret,
      SAMBATAN_JWT_ISSUER: tokenIssuer,
      SAMBATAN_JOIN_RATE_LIMIT: '0',
      LOG_LEVEL: 'info',
      ...environment,
    },
  });
  running.add(server);
  server.once('exit', () => running.delete(server));
  const url = `http://127.0.0.1:${port}`;
  try {
    await ready(server, url);
  } catch (error) {
    server.kill('SIGKILL');
    throw error;
  }
  const readyAfterMs = performance.now() - begin;
  return { url, pid: server.pid!, databaseUrl, readyAfterMs, stop: () => stop(server) };
}

async function ready(server: ChildProcess, url: string): Promise<void> {
  const giveUpAt = performance.now() + readyWithinMs;
  while (performance.now() < giveUpAt) {
    if (server.exitCode !== null) throw new Error(`the server ended: exit ${server.exitCode}`);
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await sleep(10);
  }
  throw new Error(`the server was not ready within ${readyWithinMs / 1_000} s`);
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = once(server, 'exit');
  server.kill('SIGTERM');
  await gone;
}

/** A port of this machine that nobody uses now. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
