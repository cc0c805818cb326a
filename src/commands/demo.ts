import { loadConfig, type Config } from '../config/config.ts';
import { seedMarket, seedSteps } from '../demo/seed.ts';
import type { SeenCampaign } from '../demo/client.ts';
import { Simulation } from '../demo/simulation.ts';
import { generatedKey } from '../identity/generated-keys.ts';
import { exitCodes, type Command } from './command.ts';
import { showProgress } from './progress.ts';
import { startServing, stopSignalled, type Serving } from './serve.ts';

/** `sambatan demo`: runs the service with a demo market and simulated users. */
export const demo: Command = {
  usage: `
Usage: sambatan demo

Starts the service on PORT with an embedded PostgreSQL in a data directory of its own (./data-demo:
SAMBATAN_DATA_DIR with the suffix "-demo"), creates the demo market on first use, and simulates
buyers and sellers over HTTP at a low rate: about one join a second, and about every ten seconds a
new campaign that fills, completes or fails within minutes. It does not use DATABASE_URL.

SIGINT and SIGTERM stop everything. The market stays; delete the directory to start over.
`,
  options: {},
  async run() {
    const config = demoConfig(loadConfig());
    const running = await startServing(config, { withWorker: true });
    const ending = new AbortController();
    const show = runShow(config, running, ending.signal);
    // If the simulation fails, stop the service first and report the error afterwards.
    const failed = show.catch((error: unknown) => {
      if (!ending.signal.aborted) process.emit('SIGTERM', 'SIGTERM');
      return error;
    });
    await stopSignalled(async () => {
      ending.abort();
      await failed;
      await running.stop();
    });
    await show.catch((error: unknown) => {
      if (!(error instanceof Error && error.name === 'AbortError')) throw error;
    });
    return exitCodes.done;
  },
};

/**
 * Returns the configuration of the demo: its own data directory, a sweep every minute so that full
 * campaigns complete early, and fewer log lines.
 */
function demoConfig(config: Config): Config {
  const { level } = config.log;
  return {
    ...config,
    database: { url: undefined, dataDirectory: `${config.database.dataDirectory}-demo` },
    scheduler: { intervalMinutes: 1 },
    log: { level: level === 'info' ? 'warn' : level },
  };
}

/** Creates the demo market and runs the simulation until `signal` aborts it. */
async function runShow(config: Config, running: Serving, signal: AbortSignal): Promise<void> {
  const { app } = running.service;
  const progress = showProgress('steps of the demo market', seedSteps);
  await seedMarket({ db: app.db, log: app.log, signal, onStep: (done) => progress.at(done) });
  progress.end();
  const serviceKey =
    config.identity.serviceKey ??
    (await generatedKey(config.database.dataDirectory, 'service-key')).key;
  process.stdout.write(greeting(running.url, serviceKey, app.outboxPath));
  const simulation = new Simulation({
    url: running.url,
    serviceKey,
    log: app.log,
    onNews: (campaign) => process.stdout.write(newsLine(campaign)),
  });
  simulation.start();
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await simulation.stop();
}

function greeting(url: string, serviceKey: string, outbox: string): string {
  return `The demo market is open at ${url}
  API          ${url}/api/sambatan (documents: ${url}/api/docs)
  campaigns    curl '${url}/api/sambatan/campaigns?status=active&sort=deadline'
  live         curl -N ${url}/api/sambatan/campaigns/<id>/events
  service key  ${serviceKey}
  e-mails      ${url}${outbox} (including sign-in codes)
Everything in it is invented. What happens to its campaigns is shown below; Ctrl+C ends it.

`;
}

function newsLine(campaign: SeenCampaign): string {
  const { status, title, slots_taken, slots_at_close, total_slots } = campaign;
  const time = new Date().toTimeString().slice(0, 8);
  return `${time}  ${status.padEnd(10)} ${title} (${slots_at_close ?? slots_taken}/${total_slots})\n`;
}
