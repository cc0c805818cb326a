import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { serveCommand, startServiceProcess } from '../support/server/started.ts';
import { withSmallDisks } from '../support/database/small-disks.ts';
import { waitUntil } from '../support/server/until.ts';

const sizes = { dataMegabytes: 160, logMegabytes: 16 };
const found = withSmallDisks(sizes, ['true']);
if ('remove' in found) found.remove();
const skip = 'missing' in found ? `no small disk can be had: ${found.missing}` : false;

test(
  'while a disk is full nothing is lost, and joins work again when there is space',
  { skip },
  (t) => {
    const chaos = join(import.meta.dirname, '../support/runners/run-chaos.ts');
    const seed = process.env['SAMBATAN_TEST_SEED'] ?? String(Math.floor(Math.random() * 2 ** 31));
    const options = [
      '--seed',
      seed,
      '--only',
      'disk of',
      '--faults',
      '2',
      '--long-seconds',
      '2',
      '--minutes',
      '3',
    ];
    // Passes only four variables. Others would mark the new process as a part of this test run.
    const { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE } = process.env;
    const { status, stdout, stderr } = spawnSync(process.execPath, [chaos, ...options], {
      encoding: 'utf8',
      env: { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE },
    });
    for (const line of stdout.trim().split('\n')) t.diagnostic(line);
    assert.equal(status, 0, stdout + stderr);
    assert.match(stdout, /disk of the data full 1/);
    assert.match(stdout, /disk of the log full 1/);
    assert.match(stdout, /503 database_unavailable \d\d/);
  },
);

test('a failed first start on a full disk does not block a later one', { skip }, async (t) => {
  // A start that failed may have written any part of its files.
  const script =
    'cd "$SAMBATAN_SMALL_DISKS/data" && export SAMBATAN_DATA_DIR="$PWD/sambatan" && ' +
    'head -c 1G /dev/zero >ballast; "$@"; echo "the first ended with $?"; rm ballast && exec "$@"';
  const under = withSmallDisks(sizes, ['sh', '-c', script, 'sh', ...serveCommand]);
  assert.ok('command' in under);
  t.after(() => under.remove());
  const service = await startServiceProcess(t, { command: under.command, cwd: '/' });
  assert.match(service.said(), /ENOSPC|No space left/);
  assert.match(service.said(), /the first ended with [1-9]/);
  service.process.kill('SIGTERM');
  assert.equal(await service.ended, 0);
  await waitUntil(() => service.family().length <= 1);
});
