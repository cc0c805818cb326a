import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isId } from '../identity/ids.ts';
import { parseCheckpointText } from '../public-log/checkpoint.ts';
import { keyListName } from '../public-log/log-source.ts';
import { parseNote } from '../public-log/note.ts';
import { entriesPaths } from '../public-log/read-log.ts';
import { exitCodes, UsageError, type Command } from './command.ts';
import { logSourceOf } from './log-verify.ts';

/** `sambatan log export`: copies the public log of a campaign into a folder. */
export const logExport: Command = {
  usage: `
Usage: sambatan log export --campaign <id> --to <folder> [--url <address>]

Copies the public log of a campaign from a service into a folder: its keys, newest checkpoint,
records and newest sums. "sambatan log verify --from <folder>" verifies receipts against the copy.
The folder may contain the logs of other campaigns of the same service.

  --url   address of the service; by default the one of this installation
`,
  options: { campaign: { type: 'string' }, to: { type: 'string' }, url: { type: 'string' } },
  async run({ campaign, to, url }) {
    if (typeof campaign !== 'string' || !isId(campaign)) {
      throw new UsageError('--campaign needs the id of a campaign');
    }
    if (typeof to !== 'string') throw new UsageError('--to is missing');
    const id = campaign.toLowerCase();
    const source = logSourceOf({ url, from: undefined });
    const [keys, checkpoint] = [await source.keys(), await source.read(id, 'checkpoint')];
    if (keys === undefined || checkpoint === undefined) {
      throw new Error(`the service has no log of the campaign ${id}`);
    }
    const save = (path: string, content: string | Buffer): void => {
      const file = join(to, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    };
    const { size } = parseCheckpointText(parseNote(checkpoint.toString('utf8')).text);
    for (const path of entriesPaths(size)) {
      const tile = await source.read(id, path);
      if (tile === undefined) throw new Error(`the service does not have ${path}`);
      save(join(id, path), tile);
    }
    const sums = await source.read(id, 'sums');
    if (sums !== undefined) save(join(id, 'sums'), sums);
    save(join(id, 'checkpoint'), checkpoint);
    save(keyListName, keys);
    process.stdout.write(`${size} records of campaign ${id} copied to ${to}\n`);
    return exitCodes.done;
  },
};
