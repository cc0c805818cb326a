import { test } from 'node:test';
import { drill } from '../support/server/drill.ts';

test('a backup taken under load restores into a fresh cluster, consistent, quarantined, and is then released', async (t) => {
  // node:test runs `after` hooks in the order in which they were added, but resources must be
  // closed in the reverse order.
  const ends: (() => unknown)[] = [];
  t.after(async () => {
    for (const end of ends.toReversed()) await end();
  });
  const after = (end: unknown) => void ends.push(end as () => unknown);
  const say = (line: string) => t.diagnostic(line);
  await drill({ after }, { joins: 200, say });
});
