// `npm run screenshots`: takes four screenshots of the demo market for the README and stores them
// in docs/screenshots/.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignJWT } from 'jose';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import sharp from 'sharp';
import { demoSeller } from '../src/demo/people.ts';
import { startBrowser } from '../test/support/browser/browser-program.ts';

interface Picture {
  readonly name: string;
  readonly path: string;
  readonly look: BrowserContextOptions;
  /** The element to which the page is scrolled; default: the top of the page. */
  readonly from?: string;
}

const project = join(import.meta.dirname, '..');
const place = join(project, 'docs', 'screenshots');
const issuer = 'https://screenshots.example';
const bytesAtMost = 200_000;
/**
 * Milliseconds to wait for simulated joins, so that the latest joins on the page are a few seconds
 * old.
 */
const liveMs = 20_000;
const phone = {
  viewport: { width: 360, height: 800 },
  isMobile: true,
  hasTouch: true,
  deviceScaleFactor: 2,
} as const;
const laptop = { viewport: { width: 1280, height: 800 } } as const;

const directory = mkdtempSync(join(tmpdir(), 'sambatan-screenshots-'));
// If root runs this script, PostgreSQL runs as another user, who must be able to enter the
// directory.
chmodSync(directory, 0o755);
const secret = randomBytes(48).toString('base64');
try {
  await using market = await openMarket();
  await sleep(liveMs);
  const browser = await startBrowser();
  try {
    mkdirSync(place, { recursive: true });
    for (const picture of await picturesOf(market.url)) await take(browser, market.url, picture);
  } finally {
    await browser.close();
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** Starts the demo market in the directory. Disposing the result stops the market. */
async function openMarket(): Promise<AsyncDisposable & { readonly url: string }> {
  const demo = spawn(process.execPath, [join(project, 'src/main.ts'), 'demo'], {
    cwd: directory,
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      SAMBATAN_DATA_DIR: join(directory, 'market'),
      SAMBATAN_JWT_SECRET: secret,
      SAMBATAN_JWT_ISSUER: issuer,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(demo, 'exit');
  const stop = async () => {
    demo.kill('SIGTERM');
    await ended;
  };
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    demo.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const greeting = /demo market is open at (\S+)/.exec(said);
      if (greeting) resolve(greeting[1]!);
    });
    demo.once('exit', () => reject(new Error(`the demo market did not open: ${said}`)));
  });
  return { url, [Symbol.asyncDispose]: stop };
}

async function picturesOf(url: string): Promise<readonly Picture[]> {
  const filling = await campaignCalled(url, 'Pandan Pagi paket keluarga');
  const large = await campaignCalled(url, 'Petrikor Kota batch 3');
  return [
    { name: 'beranda', path: '/?sort=progress', look: phone, from: 'form[role=search]' },
    { name: 'sambatan', path: `/sambatan/${filling.id}`, look: phone },
    { name: 'toko', path: `/toko/sambatan/${filling.id}`, look: laptop },
    { name: 'gelap', path: `/sambatan/${large.id}`, look: { ...laptop, colorScheme: 'dark' } },
  ];
}

interface SeenCampaign {
  readonly id: string;
  readonly title: string;
}

async function campaignCalled(url: string, title: string): Promise<SeenCampaign> {
  const query = new URLSearchParams({ q: title });
  const response = await fetch(`${url}/api/sambatan/campaigns?${query.toString()}`);
  const { items } = (await response.json()) as { items: readonly SeenCampaign[] };
  const found = items.find((campaign) => campaign.title === title);
  if (found === undefined) throw new Error(`the demo market has no campaign "${title}"`);
  return found;
}

/** Takes one screenshot in Indonesian. It has few colours, so that the file stays small. */
async function take(browser: Browser, url: string, picture: Picture): Promise<void> {
  const { name, path, look, from } = picture;
  const context = await browser.newContext({
    locale: 'id-ID',
    timezoneId: 'Asia/Jakarta',
    reducedMotion: 'reduce',
    ...look,
    ...(path.startsWith('/toko') ? { extraHTTPHeaders: await headersOfSeller() } : {}),
  });
  const page = await context.newPage();
  const answer = await page.goto(url + path, { waitUntil: 'load' });
  if (answer?.status() !== 200) throw new Error(`${path}: ${answer?.status() ?? 'no answer'}`);
  if (from !== undefined) {
    const element = `document.querySelector(${JSON.stringify(from)})`;
    await page.evaluate(`scrollBy(0, ${element}.getBoundingClientRect().top - 16)`);
  }
  const taken = await page.screenshot({ animations: 'disabled' });
  await context.close();
  const small = await sharp(taken).png({ palette: true, colours: 256, effort: 10 }).toBuffer();
  if (small.length > bytesAtMost) throw new Error(`${name}.png has ${small.length} bytes`);
  writeFileSync(join(place, `${name}.png`), small);
  process.stdout.write(`docs/screenshots/${name}.png: ${Math.ceil(small.length / 1_000)} KB\n`);
}

async function headersOfSeller(): Promise<Record<string, string>> {
  const token = await new SignJWT({ role: 'authenticated' })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(demoSeller(1).userId)
    .setIssuer(issuer)
    .setAudience('authenticated')
    .setIssuedAt()
    .setExpirationTime('10 minutes')
    .sign(new TextEncoder().encode(secret));
  return { authorization: `Bearer ${token}` };
}
