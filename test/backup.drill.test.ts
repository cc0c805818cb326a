import { test } from 'node:test';
import { postgresWithTools } from './rig/debian.ts';
import { drill } from './rig/drill.ts';

const found = postgresWithTools();

test(
  'a backup taken under load is restored into a fresh cluster, sound, held, and released',
  { skip: 'missing' in found ? found.missing : false },
  async (t) => {
    if ('missing' in found) return;
    // The hooks of a test run in the order in which they were added; ends go the other way round.
    const ends: (() => unknown)[] = [];
    t.after(async () => {
      for (const end of ends.toReversed()) await end();
    });
    const after = (end: unknown) => void ends.push(end as () => unknown);
    const say = (line: string) => t.diagnostic(line);
    await drill({ after }, { bin: found.directory, joins: 200, say });
  },
);
