import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runningEmbedded } from '../../src/database/embedded/start.ts';
import { runCommand, startCommand } from '../support/server/command.ts';
import { waitUntil } from '../support/server/until.ts';

test('npm run demo simulates buyers who join, and stops on request', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sambatan-demo-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  const variables = { PORT: '0', SAMBATAN_DATA_DIR: join(directory, 'data') };
  const place = join(directory, 'data-demo');
  const demo = startCommand(['demo'], {
    ...variables,
    DATABASE_URL: 'postgresql://sambatan@127.0.0.1:1/never-touched',
    SAMBATAN_SERVICE_KEY: 'service-key-of-at-least-32-characters',
  });
  const gone = demo.ended.then(({ err }) => assert.fail(`it ended: ${err}`));
  const urlOf = () => /open at (http:\S+)/.exec(demo.out())?.[1];
  await Promise.race([waitUntil(() => urlOf() !== undefined), gone]);
  const url = urlOf();

  const joins = async () => {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    return Number(/sambatan_joins_total\{[^}]*outcome="joined"[^}]*\} (\d+)/.exec(metrics)?.[1]);
  };
  await Promise.race([waitUntil(async () => (await joins()) > 2, { everyMs: 200 }), gone]);
  const health = (await (await fetch(`${url}/api/sambatan/health`)).json()) as { status: string };
  assert.equal(health.status, 'healthy');

  gone.catch(() => undefined);
  demo.kill('SIGTERM');
  const { code, err } = await demo.ended;
  assert.equal(code, 0, err);
  assert.equal(runningEmbedded(place), undefined);
  const checked = await runCommand(['invariants'], { SAMBATAN_DATA_DIR: place });
  assert.equal(checked.code, 0, checked.out + checked.err);
});
