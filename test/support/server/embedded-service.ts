// A minimal service that only has a database. It starts the database in the given directory, prints
// that it is ready, and waits.
import { pino } from 'pino';
import { startEmbedded } from '../../../src/database/embedded/start.ts';
import { onStopSignal } from '../../../src/commands/stop-process.ts';

const [dataDir = ''] = process.argv.slice(2);
const log = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }));
const server = await startEmbedded({ dataDir, log });
const alive = setInterval(() => undefined, 60_000);
onStopSignal(async () => {
  clearInterval(alive);
  await server.stop();
});
process.stdout.write(`${JSON.stringify({ url: server.url, postmaster: server.postmaster() })}\n`);
