import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { newId } from '../../src/identity/ids.ts';
import { testDatabase } from '../support/database/database.ts';
import { prometheus } from '../support/server/debian.ts';
import { freePort } from '../support/server/free-port.ts';
import { createTestCampaign, createBrandAndProduct } from '../support/builders/market.ts';
import { directory } from '../support/server/service.ts';
import { joinBody } from '../support/builders/shop.ts';
import { serveCommand, startServiceProcess } from '../support/server/started.ts';
import { waitUntil } from '../support/server/until.ts';
import { yamlFile } from '../support/clients/yaml.ts';

const project = join(import.meta.dirname, '../..');
const serviceKey = 'service-key-of-at-least-32-characters';
const found = prometheus();
const skip = 'missing' in found ? found.missing : false;
const database = await testDatabase();
after(() => database.close());

interface Scraped {
  global: Record<string, string>;
  rule_files: string[];
  scrape_configs: { static_configs: { targets: string[] }[] }[];
}

/**
 * Starts Prometheus with the configuration in ops/, but with other targets and an interval that is
 * fifteen times as short. Returns its API. On a busy machine a scrape may take longer than the
 * interval and then counts as failed, so the tests must tolerate some failures.
 */
async function startPrometheus(t: TestContext, targets: string[]) {
  assert.ok('program' in found);
  const place = directory();
  const config = yamlFile<Scraped>('ops/prometheus/prometheus.yml');
  config.global = { scrape_interval: '1s', evaluation_interval: '1s' };
  config.rule_files = [join(project, 'ops/prometheus/rules.yml')];
  config.scrape_configs[0]!.static_configs[0]!.targets = targets;
  // Prometheus can read JSON, because JSON is valid YAML.
  writeFileSync(join(place, 'prometheus.yml'), JSON.stringify(config));
  const port = await freePort();
  const child = spawn(
    found.program,
    [
      `--config.file=${join(place, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(place, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'exit');
  t.after(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  const api = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
    const body = (await answer.json()) as { status: string; data: T };
    assert.equal(body.status, 'success', JSON.stringify(body));
    return body.data;
  };
  const isThere = () => fetch(`http://127.0.0.1:${port}/-/ready`).then(({ ok }) => ok);
  await waitUntil(() => isThere().catch(() => false)).catch((error: unknown) => {
    throw new Error(said, { cause: error });
  });
  return api;
}

interface Rule {
  readonly name: string;
  readonly health: string;
  readonly state: string;
  readonly lastError?: string;
}

test(
  'Prometheus scrapes service and worker, evaluates every rule, and has the dashboard’s metrics',
  { skip },
  async (t) => {
    const variables = { DATABASE_URL: database.url, SAMBATAN_SERVICE_KEY: serviceKey };
    const [node = '', main = ''] = serveCommand;
    const run = (...command: string[]) =>
      startServiceProcess(t, { command: [node, main, ...command], cwd: '/', variables });
    const service = await run('serve', '--no-worker');
    const worker = await run('worker', '--listen');
    const targets = [service, worker].map(({ url }) => new URL(url).host);
    const api = await startPrometheus(t, targets);

    interface Target {
      readonly health: string;
      readonly lastError: string;
    }
    const scraped = async () => (await api<{ activeTargets: Target[] }>('targets')).activeTargets;
    const isUp = async () => (await scraped()).map(({ health, lastError }) => [health, lastError]);
    const allUp = targets.map(() => ['up', '']);
    await waitUntil(async () => isDeepStrictEqual(await isUp(), allUp)).catch(async () =>
      assert.deepEqual(await isUp(), allUp),
    );

    const { db } = database;
    const backend = service.client(serviceKey);
    const deadline = new Date(Date.now() + 3_000);
    const campaignId = await createTestCampaign(db, await createBrandAndProduct(db), {
      minimumSlots: 2,
      deadline,
    });
    const joins = await Promise.all(
      Array.from({ length: 12 }, () =>
        backend.post(`/campaigns/${campaignId}/join`, joinBody({ user_id: newId() })),
      ),
    );
    // There are twelve joins for ten slots.
    assert.equal(joins.filter(({ status }) => status === 201).length, 10);
    const status = async () => (await backend.get(`/campaigns/${campaignId}`)).body.status;
    await waitUntil(async () => (await status()) === 'completed');

    const rules = async () =>
      (await api<{ groups: { rules: Rule[] }[] }>('rules')).groups.flatMap((group) => group.rules);
    await waitUntil(async () => (await rules()).every(({ health }) => health !== 'unknown'));
    assert.deepEqual(
      (await rules()).filter(({ health }) => health !== 'ok'),
      [],
    );
    // A new installation must have no alert, although it has no backup yet.
    const expected = [['Watchdog', 'firing']];
    const alerts = async () =>
      (await rules())
        .filter(({ state }) => state !== 'inactive')
        .map(({ name, state }) => [name, state]);
    await waitUntil(async () => isDeepStrictEqual(await alerts(), expected)).catch(async () =>
      assert.deepEqual(await alerts(), expected),
    );

    const { panels } = JSON.parse(
      readFileSync(join(project, 'ops/grafana/dashboards/sambatan.json'), 'utf8'),
    ) as { panels: { title: string; targets: { expr: string }[] }[] };
    const asked = panels.flatMap(({ title, targets: all }) =>
      all.map(({ expr }) => ({ title, expr })),
    );
    assert.ok(asked.length > 20);
    const isAnswered = async ({ expr }: { expr: string }) => {
      const { result } = await api<{ result: unknown[] }>(
        `query?query=${encodeURIComponent(expr)}`,
      );
      return result.length > 0;
    };
    for (const query of asked) {
      await waitUntil(() => isAnswered(query), { withinMs: 20_000, everyMs: 250 }).catch(() =>
        assert.fail(`${query.title}: nothing answers ${query.expr}`),
      );
    }
  },
);
