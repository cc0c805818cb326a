import { loadConfig } from '../config.ts';
import { exitCodes, type Command } from './command.ts';
import { openService } from './service.ts';
import { stopSignalled } from './serve.ts';

/** `sambatan worker`: the scheduler alone. */
export const worker: Command = {
  summary: 'run the scheduler alone: open and close campaigns at their time',
  usage: `
Usage: sambatan worker

Any number of workers may run on one database; each transition happens once. Needs DATABASE_URL,
unless no other service runs on SAMBATAN_DATA_DIR.
`,
  options: {},
  async run() {
    const { app, stop } = await openService(loadConfig());
    try {
      await app.pokes.start();
      await app.scheduler.start();
      app.watch.start();
      await stopSignalled(stop);
    } finally {
      await stop();
    }
    return exitCodes.done;
  },
};
