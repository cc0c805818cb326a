import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { Agent } from 'node:http';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { Client, issuer, jwtSecret, token } from '../clients/client.ts';
import { freePort } from './free-port.ts';
import { childrenOf } from './service.ts';
import { waitUntil } from './until.ts';

const project = join(import.meta.dirname, '../../..');

/** A service in a separate process, started in the way in which an operator starts it. */
export interface StartedService {
  readonly process: ChildProcess;
  readonly url: string;
  /** Milliseconds from the start of the process until `/readyz` answered 200. */
  readonly readyAfterMs: number;
  /** What the process has written to standard output and standard error so far. */
  said(): string;
  /** Resolves to the exit code of the process, or to the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
  client(key: string): Client;
  user(userId: string): Promise<Client>;
  /** The process of the service, and all processes that it has started directly or indirectly. */
  family(): Relative[];
}

export interface Relative {
  readonly pid: number;
  readonly command: string;
}

export interface StartOptions {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly dataDir?: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Discards the log of the service, so that reading it takes no time. `said` then stays empty. */
  readonly isQuiet?: boolean;
}

const readyWithinMs = 120_000;

/** The command `node src/main.ts serve` of this project. */
export const serveCommand = [process.execPath, join(project, 'src/main.ts'), 'serve'];

/**
 * Starts a service on a free port. Resolves when it is ready. If it does not become ready, rejects
 * with its output.
 */
export async function startServiceProcess(
  t: Pick<TestContext, 'after'>,
  how: StartOptions,
): Promise<StartedService> {
  const { command, cwd, dataDir, variables = {}, isQuiet = false } = how;
  // A port that the service chooses is only known from its log, so without the log we choose one.
  const port = isQuiet ? await freePort() : 0;
  const began = performance.now();
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd,
    // The process is in a separate group, as if a shell had started it, and has only the variables
    // below.
    detached: true,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      TMPDIR: process.env['TMPDIR'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      PORT: String(port),
      LOG_LEVEL: 'debug',
      SAMBATAN_JWT_SECRET: jwtSecret,
      SAMBATAN_JWT_ISSUER: issuer,
      SAMBATAN_JOIN_RATE_LIMIT: '0',
      ...(dataDir === undefined ? {} : { SAMBATAN_DATA_DIR: dataDir }),
      ...variables,
    },
    stdio: isQuiet ? ['ignore', 'ignore', 'inherit'] : ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  }
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  const family = () => familyOf(child.pid!, child.spawnfile);
  t.after(() => endAll(child, family));
  const failed = ended.then((code) => Promise.reject(new Error(`it ended with ${code}: ${said}`)));
  failed.catch(() => undefined);
  const url = isQuiet
    ? `http://127.0.0.1:${port}`
    : await Promise.race([greeting(() => said), failed]);
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
  t.after(() => agent.destroy());
  const connection = { url, agent, secrets: new Set<string>() };
  const visitor = new Client(connection);
  const isReady = async () =>
    (await visitor.get('//readyz').catch(() => undefined))?.status === 200;
  await Promise.race([waitUntil(isReady, { withinMs: readyWithinMs }), failed]);
  return {
    process: child,
    url,
    readyAfterMs: Math.round(performance.now() - began),
    said: () => said,
    ended,
    client: (key) => new Client(connection, key),
    user: async (userId) => new Client(connection, await token(userId), userId),
    family,
  };
}

async function greeting(said: () => string): Promise<string> {
  const address = () => /(?:answers|Server listening) at (http:\/\/[^\s"]+)/.exec(said())?.[1];
  await waitUntil(() => address() !== undefined);
  return address()!;
}

/** Kills all processes that a failed test did not stop. */
async function endAll(child: ChildProcess, family: () => Relative[]): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const all = family();
  child.kill('SIGTERM');
  const gone = once(child, 'exit');
  await Promise.race([gone, new Promise((late) => setTimeout(late, 60_000).unref())]);
  for (const { pid } of all.filter((one) => isAlive(one.pid))) process.kill(pid, 'SIGKILL');
}

function familyOf(pid: number, command: string): Relative[] {
  return [{ pid, command }, ...childrenOf(pid).flatMap((one) => familyOf(one.pid, one.command))];
}

/** Whether a process runs. A zombie does not run. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) !== 'Z';
  } catch {
    return false;
  }
}

/** Copies the project as a fresh clone has it, with the installed modules of this project. */
export function copyProject(place: string): string {
  const root = join(place, 'clone');
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
    cwd: project,
    encoding: 'utf8',
  });
  // The service does not need the tests, and files of tests may change while it is copied.
  const needed = (name: string) => name !== '' && !/^(test|bench|docs)\//.test(name);
  for (const name of listed.split('\0').filter(needed)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    cpSync(join(project, name), join(root, name), { force: true });
  }
  symlinkSync(join(project, 'node_modules'), join(root, 'node_modules'));
  return root;
}
