// `npm run site:measure`: measures the bytes and the load time of a first visit on a phone, and how
// many pages per second the server can answer.
import type { CDPSession, Page } from 'playwright-core';
import { startBrowser } from '../test/support/browser/browser-program.ts';
import { Generator } from './load/generator.ts';
import { startCluster } from './support/database.ts';
import { openCampaigns } from './support/open-campaigns.ts';
import { startServer, stopServers, type Server } from './support/server.ts';

/** The network (slow 4G) and the processor of a cheap phone, with the values of Lighthouse. */
const slow = { bitsPerSecond: 1_600_000, roundTripMs: 150, cpuTimesSlower: 4 };
const rounds = 3;
const loadSeconds = 4;
const connections = 50;

interface FirstVisit {
  readonly bytes: number;
  readonly scriptBytes: number;
  readonly foreign: number;
  readonly largestPaintMs: number;
  readonly layoutShift: number;
}

const observe = `
  window.seen = { paint: 0, shift: 0 };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) seen.paint = entry.startTime;
  }).observe({ type: 'largest-contentful-paint', buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) seen.shift += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
`;

const cluster = await startCluster();
const generator = new Generator();
try {
  const server = await startServer({
    way: 'ours',
    databaseUrl: await cluster.createDatabase('site'),
  });
  const description = 'Bergamot, teh melati, dan kayu cendana dari Timor. '.repeat(12);
  const [id] = await openCampaigns(server.url, 1, { description, total_slots: 60 });
  const path = `/sambatan/${id}`;
  const visits = await firstVisits(server.url + path);
  const middle = (of: (visit: FirstVisit) => number) =>
    visits.map(of).toSorted((a, b) => a - b)[Math.floor(rounds / 2)]!;
  table([
    ['first visit, compressed', kilobytes(middle(({ bytes }) => bytes)), '60 KB at most'],
    ['of it script', kilobytes(middle(({ scriptBytes }) => scriptBytes)), '15 KB at most'],
    ['requests to other hosts', String(middle(({ foreign }) => foreign)), 'none'],
    ['largest paint', `${middle(({ largestPaintMs }) => largestPaintMs)} ms`, '1,800 ms at most'],
    ['layout shift', middle(({ layoutShift }) => layoutShift).toFixed(4), '0.02 at most'],
  ]);
  const json = await measureAnswersPerSecond(server, `/api/sambatan/campaigns/${id}`);
  const page = await measureAnswersPerSecond(server, path);
  table([
    ['campaign page', `${Math.round(page)} answers/s`, ''],
    ['the same as JSON', `${Math.round(json)} answers/s`, ''],
    ['page to JSON', (page / json).toFixed(2), '0.40 at least'],
  ]);
} finally {
  await generator.stop();
  await stopServers();
  await cluster.stop();
}

/** Measures several first visits, each with an empty cache, on an emulated phone and network. */
async function firstVisits(url: string): Promise<FirstVisit[]> {
  const browser = await startBrowser();
  try {
    const visits: FirstVisit[] = [];
    for (let round = 0; round < rounds; round++) {
      const context = await browser.newContext({
        viewport: { width: 360, height: 800 },
        isMobile: true,
        hasTouch: true,
        deviceScaleFactor: 2,
      });
      visits.push(await firstVisit(await context.newPage(), url));
      await context.close();
    }
    return visits;
  } finally {
    await browser.close();
  }
}

async function firstVisit(page: Page, url: string): Promise<FirstVisit> {
  const debug = await page.context().newCDPSession(page);
  const loaded = countLoaded(debug, new URL(url).host);
  await debug.send('Network.enable');
  await debug.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: slow.roundTripMs,
    downloadThroughput: slow.bitsPerSecond / 8,
    uploadThroughput: slow.bitsPerSecond / 8,
  });
  await debug.send('Emulation.setCPUThrottlingRate', { rate: slow.cpuTimesSlower });
  await page.addInitScript(observe);
  await page.goto(url, { waitUntil: 'load' });
  await page.waitForTimeout(1_500);
  const { paint, shift } = await page.evaluate<{ paint: number; shift: number }>('window.seen');
  return { ...loaded, largestPaintMs: Math.round(paint), layoutShift: shift };
}

/** Counts transferred bytes including headers, without pictures and the event stream. */
function countLoaded(debug: CDPSession, host: string) {
  const loaded = { bytes: 0, scriptBytes: 0, foreign: 0 };
  const kinds = new Map<string, string>();
  debug.on('Network.requestWillBeSent', ({ requestId, request, type }) => {
    kinds.set(requestId, type ?? 'Other');
    if (!request.url.startsWith('data:') && new URL(request.url).host !== host) loaded.foreign++;
  });
  debug.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    const kind = kinds.get(requestId);
    if (kind === 'Image' || kind === 'EventSource') return;
    loaded.bytes += encodedDataLength;
    if (kind === 'Script') loaded.scriptBytes += encodedDataLength;
  });
  return loaded;
}

/**
 * Measures the answers per second for a path. The requests allow no compression, so that page and
 * JSON are compared without its cost.
 */
async function measureAnswersPerSecond({ url, pid }: Server, path: string): Promise<number> {
  const { rate, statuses } = await generator.run({
    url,
    connections,
    mix: { kind: 'reads', paths: [path] },
    extent: { warmSeconds: 2, seconds: loadSeconds },
    expectedRate: 5_000,
    processes: { server: pid, postgres: cluster.postmaster },
  });
  if (Object.keys(statuses).some((status) => status !== '200')) {
    throw new Error(`${path} answered ${JSON.stringify(statuses)}`);
  }
  return rate;
}

function table(lines: readonly (readonly [what: string, measured: string, target: string])[]) {
  console.log('| | result | target |\n| --- | --- | --- |');
  for (const line of lines) console.log(`| ${line.join(' | ')} |`);
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1_000).toFixed(1)} KB`;
}
