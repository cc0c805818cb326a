import type { App } from '../app/app.ts';
import { loadConfig } from '../config/config.ts';
import { buildServer, stopServer } from '../server/server.ts';
import { exitCodes, type Command } from './command.ts';
import { openService } from './service.ts';
import { stopSignalled } from './serve.ts';

/** How long to wait at shutdown for a request in progress, in milliseconds. */
const graceMs = 2_000;

/**
 * `sambatan worker`: runs only the background jobs, such as the scheduler and the notifications.
 */
export const worker: Command = {
  usage: `
Usage: sambatan worker [--listen]

  --listen   answer /livez, /readyz, /metrics and /api/sambatan/health on HOST:PORT

Any number of workers may run on one database; each transition happens once. Needs DATABASE_URL,
unless no other service runs on SAMBATAN_DATA_DIR.
`,
  options: { listen: { type: 'boolean' } },
  async run({ listen }) {
    const { app, stop } = await openService(loadConfig());
    const door = listen ? await openDoor(app) : undefined;
    const end = async (): Promise<void> => {
      await door?.close();
      await stop();
    };
    try {
      await app.changeNotifier.start();
      for (const job of app.jobs) await job.start();
      await stopSignalled(end);
    } finally {
      await end();
    }
    return exitCodes.done;
  },
};

/** Starts a server for health checks and metrics, without the API's routes and without pages. */
async function openDoor(app: App): Promise<{ close(): Promise<void> }> {
  const server = await buildServer({ ...app, isDraining: () => false }, []);
  await server.listen({ host: app.config.http.host, port: app.config.http.port });
  return { close: () => stopServer(server, graceMs) };
}
