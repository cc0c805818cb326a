import { loadConfig } from '../config/config.ts';
import { exitCodes, type Command } from './command.ts';
import { withDatabase } from './database.ts';

/** `sambatan migrate`: applies pending migrations and exits. */
export const migrateCommand: Command = {
  usage: `
Usage: sambatan migrate

Safe to run from many places at once, and while a service runs. An applied migration whose file was
edited is refused (exit code 3).
`,
  options: {},
  async run() {
    const applied = await withDatabase(loadConfig(), async (_url, _log, done) => done);
    process.stdout.write(
      applied.length === 0 ? 'the schema is up to date\n' : `applied ${applied.join(', ')}\n`,
    );
    return exitCodes.done;
  },
};
