// `npm run bare:check`: the first steps of a new user on a Debian 12 with nothing installed, inside
// a separate root directory. They are: npm start, a backup while the service runs, a restore into
// an empty data directory, and a second backup that must equal the first. Needs root on Debian or
// Ubuntu, and debootstrap.
//   npm run bare:check -- --place /var/tmp/sambatan-bare (the directory is kept and used again)
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { freePort } from '../server/free-port.ts';

const suite = 'bookworm';
/** The Debian packages that the README requires in addition to Node and npm. */
const prerequisites = ['libatomic1'];
const person = 'sari';
const readyMs = 300_000;

const { values } = parseArgs({ options: { place: { type: 'string' } } });
const project = join(import.meta.dirname, '../../..');
const place = values.place ?? mkdtempSync(join(tmpdir(), 'sambatan-bare-'));
const root = join(place, 'root');
const home = join(root, 'home', person);
const say = (line: string) => void process.stdout.write(`${line}\n`);
const run = (program: string, ...args: string[]) =>
  execFileSync(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
const mounts = ['proc', 'dev', 'dev/shm'];

try {
  makeRoot();
  mountSystem();
  await check();
  say('a bare Debian 12 starts the service, backs it up and restores it');
} catch (error) {
  process.stderr.write(`bare: ${error instanceof Error ? error.stack : error}\n`);
  process.exitCode = 1;
} finally {
  unmountSystem();
  if (values.place === undefined && !isMounted()) rmSync(place, { recursive: true, force: true });
}

/**
 * Creates the root directory: the smallest Debian, Node and npm from nodejs.org, and the files of
 * the project without node_modules.
 */
function makeRoot(): void {
  if (!existsSync(root)) {
    const mirror = process.env['DEBIAN_MIRROR'] ?? 'http://deb.debian.org/debian';
    const include = `--include=${prerequisites.join(',')}`;
    run('debootstrap', '--variant=minbase', include, suite, `${root}.new`, mirror);
    installNode(`${root}.new`);
    run('chroot', `${root}.new`, 'useradd', '--create-home', person);
    run('mv', `${root}.new`, root);
  }
  for (const name of ['sambatan', 'first.backup', 'second.backup', 'restored']) {
    rmSync(join(home, name), { recursive: true, force: true });
  }
  mkdirSync(join(home, 'sambatan'), { recursive: true });
  const files = execFileSync('git', ['-C', project, 'ls-files', '-z']).toString().split('\0');
  for (const file of files.filter((name) => name !== '' && existsSync(join(project, name)))) {
    cpSync(join(project, file), join(home, 'sambatan', file), { recursive: true });
  }
  // Copies the certificates too, so that a TLS proxy that this machine trusts is also trusted
  // inside.
  for (const file of ['/etc/resolv.conf', '/etc/hosts', '/etc/ssl/certs/ca-certificates.crt']) {
    mkdirSync(join(root, file, '..'), { recursive: true });
    cpSync(file, join(root, file), { dereference: true });
  }
  run('chroot', root, 'chown', '-R', `${person}:${person}`, `/home/${person}`);
}

function installNode(into: string): void {
  const node = `node-linux-${process.arch === 'arm64' ? 'arm64' : 'x64'}`;
  const { optionalDependencies } = JSON.parse(
    readFileSync(join(project, 'package.json'), 'utf8'),
  ) as { optionalDependencies: Record<string, string> };
  const packages = join(place, 'packages');
  mkdirSync(packages, { recursive: true });
  const wanted = [`${node}@${optionalDependencies[node]}`, 'npm@11'];
  const packed = execFileSync('npm', ['pack', '--silent', ...wanted], { cwd: packages });
  const [nodeFile = '', npmFile = ''] = packed.toString().trim().split('\n');
  const usr = join(into, 'usr/local');
  const npm = join(usr, 'lib/node_modules/npm');
  mkdirSync(npm, { recursive: true });
  const unpack = ['--strip-components=1', '-C'];
  run('tar', 'xzf', join(packages, nodeFile), ...unpack, usr, 'package/bin/node');
  run('tar', 'xzf', join(packages, npmFile), ...unpack, npm);
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(usr, 'bin/npm'));
}

function mountSystem(): void {
  run('mount', '-t', 'proc', 'proc', join(root, 'proc'));
  run('mount', '--bind', '/dev', join(root, 'dev'));
  run('mount', '-t', 'tmpfs', '-o', 'mode=1777', 'tmpfs', join(root, 'dev/shm'));
}

function unmountSystem(): void {
  for (const name of mounts.toReversed()) {
    spawnSync('umount', [join(root, name)], { stdio: 'ignore' });
  }
}

function isMounted(): boolean {
  return readFileSync('/proc/mounts', 'utf8').includes(` ${root}/`);
}

/** Starts a command inside the root directory as the new user, in the directory of the project. */
function start(command: string, environment: Record<string, string> = {}): ChildProcess {
  const certificates = '/etc/ssl/certs/ca-certificates.crt';
  const all = { npm_config_cafile: certificates, ...environment };
  const set = Object.entries(all).map(([name, value]) => `export ${name}='${value}';`);
  const line = `cd ~/sambatan; ${set.join(' ')} exec ${command}`;
  return spawn('chroot', [root, 'su', '-', person, '-c', line], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

async function sambatan(command: string, environment: Record<string, string> = {}) {
  const [status] = (await once(
    start(`npm run --silent sambatan -- ${command}`, environment),
    'exit',
  )) as [number | null];
  assert.equal(status, 0, `sambatan ${command}`);
}

async function check(): Promise<void> {
  const port = await freePort();
  const service = start('npm start', { PORT: String(port) });
  const gone = once(service, 'exit');
  try {
    await ready(port, service);
    await sambatan('seed-demo');
    await sambatan(`backup --to /home/${person}/first.backup`);
  } finally {
    // The signal reaches the service because npm and su forward it to their child process.
    service.kill('SIGTERM');
    await gone;
  }
  const restored = { SAMBATAN_DATA_DIR: `/home/${person}/restored` };
  await sambatan(`restore --from /home/${person}/first.backup`, restored);
  await sambatan('invariants', restored);
  await sambatan('audit verify', restored);
  await sambatan(`backup --to /home/${person}/second.backup`, restored);
  const [first, second] = [tablesOf('first.backup'), tablesOf('second.backup')];
  assert.ok(first.size > 30 && Number(first.get('sambatan.participants')?.[0]) > 0);
  assert.deepEqual(second, first);
  say(`${first.size} tables came back as they were`);
}

async function ready(port: number, service: ChildProcess): Promise<void> {
  const until = Date.now() + readyMs;
  for (;;) {
    assert.equal(service.exitCode, null, 'npm start ended');
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    assert.ok(Date.now() < until, 'npm start did not become ready');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

/** The number of rows and the SHA-256 of each table in a backup. */
function tablesOf(name: string): Map<string, [rows: string, sha256: string]> {
  const lines = gunzipSync(readFileSync(join(home, name)))
    .toString()
    .split('\n');
  const tables = new Map<string, [string, string]>();
  let table = '';
  lines.forEach((line, n) => {
    if (line.startsWith('{"table":')) table = (JSON.parse(line) as { table: string }).table;
    if (line === '\\.') {
      const { rows, sha256 } = JSON.parse(lines[n + 1]!) as { rows: number; sha256: string };
      tables.set(table, [String(rows), sha256]);
    }
  });
  // Each backup adds a row about itself to this table, so the table always differs.
  tables.delete('sambatan.backups');
  return tables;
}
