import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdirSync, readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import { Client } from '../clients/client.ts';
import { freePort } from './free-port.ts';
import { childrenOf } from './service.ts';
import { waitUntil } from './until.ts';
import { yamlFile } from '../clients/yaml.ts';

export const serviceKey = 'service-key-of-at-least-32-characters';

/** A container image that ops/image/build.sh has built in a directory. */
export interface Image {
  readonly megabytes: number;
  readonly ownMegabytes: number;
  /** Runs a service of compose.yaml and waits until it is ready. Some variables can be replaced. */
  start(
    t: { after(end: () => unknown): void },
    name: 'service' | 'worker',
    variables: Readonly<Record<string, string>>,
  ): Promise<Container>;
}

/** A running process of the image, with the options of compose.yaml. */
export interface Container {
  /** The id of the process, as this machine sees it. */
  readonly pid: number;
  readonly client: Client;
  readonly ended: Promise<number | string>;
  said(): string;
  /** Sends the stop signal that the image declares. */
  stop(): void;
  /** Runs a command in the container, like `docker compose exec`. */
  exec(command: readonly string[], variables?: Readonly<Record<string, string>>): Promise<Ended>;
  /** Runs the health check that the image declares. */
  health(variables?: Readonly<Record<string, string>>): Promise<Ended>;
}

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Settings {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Healthcheck: { readonly Test: readonly string[] };
  readonly Volumes: Readonly<Record<string, object>>;
  readonly WorkingDir: string;
  readonly StopSignal: NodeJS.Signals;
}

interface ComposeService {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly read_only: boolean;
  readonly tmpfs: readonly string[];
}

export function openImage(place: string): Image {
  const root = join(place, 'root');
  const { config } = JSON.parse(readFileSync(join(place, 'config.json'), 'utf8')) as {
    config: Settings;
  };
  for (const volume of Object.keys(config.Volumes)) {
    const outside = join(place, 'volumes', volume);
    mkdirSync(outside, { recursive: true });
    // A new volume starts as a copy of the directory that it replaces in the image, with the same
    // owner.
    const [uid, gid] = numbers(root, 'node');
    chownSync(outside, uid, gid);
  }
  const size = (directory: string) =>
    Number(
      execFileSync('du', ['-sm', join(place, directory)], { encoding: 'utf8' }).split('\t')[0],
    );
  return {
    megabytes: size('root'),
    ownMegabytes: size('root') - size('debian'),
    start: (t, name, variables) => start(t, { place, root, config, name, variables }),
  };
}

interface Start {
  readonly place: string;
  readonly root: string;
  readonly config: Settings;
  readonly name: 'service' | 'worker';
  readonly variables: Readonly<Record<string, string>>;
}

async function start(t: { after(end: () => unknown): void }, how: Start): Promise<Container> {
  const { place, root, config, name } = how;
  const composed = yamlFile<{ services: Record<string, ComposeService> }>('compose.yaml');
  const service = composed.services[name]!;
  const port = await freePort();
  const variables: Record<string, string> = {
    ...Object.fromEntries(config.Env.map((line) => line.split(/=(.*)/s) as [string, string])),
    // Uses compose.yaml as if only the two required secrets were set.
    ...Object.fromEntries(
      Object.entries(service.environment).map(([key, value]) => [key, interpolate(value)]),
    ),
    ...how.variables,
    // All containers of this test run on one machine and share its network.
    HOST: '127.0.0.1',
    PORT: String(port),
  };
  const inside = (command: readonly string[], more: Readonly<Record<string, string>> = {}) =>
    confineCommand(root, config, service, { ...variables, ...more }, command);
  const mounts = [
    'mount --rbind "$1" "$1"',
    'mount --rbind /dev "$1/dev"',
    'mount -t proc proc "$1/proc"',
    ...service.tmpfs.map((path) => `mount -t tmpfs tmpfs "$1${path}"`),
    ...Object.keys(config.Volumes).map((path) => `mount --bind "$2/volumes${path}" "$1${path}"`),
    ...(service.read_only ? ['mount -o remount,bind,ro "$1"'] : []),
  ].join(' && ');
  const child = spawn(
    'unshare',
    ['--mount', '--pid', '--fork', '--propagation', 'private', '--'].concat(
      ['sh', '-c', `${mounts} && shift 2 && exec "$@"`, 'sh', root, place],
      inside([...config.Entrypoint, ...(service.command ?? config.Cmd)]),
    ),
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  // When the first process of the container ends, all its other processes end too.
  const first = () => childrenOf(child.pid!)[0]?.pid;
  t.after(() => {
    const pid = first();
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  });
  let said = '';
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (chunk: Buffer) => (said += chunk.toString()));
  }
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  const agent = new Agent({ keepAlive: false });
  const url = `http://127.0.0.1:${port}`;
  const client = new Client({ url, agent, secrets: new Set() }, serviceKey);
  const isReady = () => client.get('//readyz').then(({ status }) => status === 200);
  await Promise.race([
    waitUntil(() => isReady().catch(() => false)),
    ended.then((code) => Promise.reject(new Error(`${name} ended with ${code}: ${said}`))),
  ]);
  const pid = first()!;
  const exec: Container['exec'] = (command, more) => {
    const [program = '', ...args] = ['nsenter', '--mount', '--pid', '--target', String(pid)].concat(
      inside(command, more),
    );
    return run(program, args);
  };
  return {
    pid,
    client,
    ended,
    said: () => said,
    stop: () => process.kill(pid, config.StopSignal),
    exec,
    health: (more) => exec(config.Healthcheck.Test.slice(1), more),
  };
}

/** Runs a program and waits until it has ended. It can reach the database. */
async function run(program: string, args: readonly string[]): Promise<Ended> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...said };
}

/**
 * The command that runs `command` as the user of the image, in its directory and with the
 * restrictions of compose.yaml.
 */
function confineCommand(
  root: string,
  { User, WorkingDir }: Settings,
  { cap_drop: dropped, security_opt: security }: ComposeService,
  variables: Readonly<Record<string, string>>,
  command: readonly string[],
): string[] {
  const [uid, gid] = numbers(root, User);
  return [
    'chroot',
    root,
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    ...(dropped.includes('ALL') ? ['--bounding-set=-all', '--inh-caps=-all'] : []),
    ...(security.includes('no-new-privileges:true') ? ['--no-new-privs'] : []),
    'env',
    '--ignore-environment',
    `--chdir=${WorkingDir}`,
    ...Object.entries(variables).map(([name, value]) => `${name}=${value}`),
    ...command,
  ];
}

function numbers(root: string, user: string): readonly [number, number] {
  const lines = readFileSync(join(root, 'etc/passwd'), 'utf8').split('\n');
  const [, , uid, gid] = lines.find((line) => line.startsWith(`${user}:`))?.split(':') ?? [];
  return [Number(uid), Number(gid)];
}

/** Replaces the variables in a value as compose does, with only the required secrets set. */
function interpolate(value: string): string {
  return value.replaceAll(/\$\{(\w+):([?-])([^}]*)\}/g, (_, name: string, kind, otherwise) => {
    if (kind === '-') return otherwise as string;
    return name === 'SAMBATAN_SERVICE_KEY' ? serviceKey : 'secret';
  });
}
