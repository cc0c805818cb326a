import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { queueTargetHours } from '../../src/ledger/work-queues/ages.ts';
import { promtool } from '../support/server/debian.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { directory } from '../support/server/service.ts';
import { yamlFile } from '../support/clients/yaml.ts';

const project = join(import.meta.dirname, '../..');
const prometheus = join(project, 'ops/prometheus');
const read = (path: string) => readFileSync(join(project, path), 'utf8');

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook: string };
}
const rules = yamlFile<{ groups: { rules: Rule[] }[] }>('ops/prometheus/rules.yml').groups.flatMap(
  (group) => group.rules,
);

/** The unit tests of the alert rules. Tests that simulate days evaluate the rules less often. */
const ruleTests = ['rules.test.yml', 'rules-days.test.yml'];

const found = promtool();
const skip = 'missing' in found ? found.missing : false;

function run(...args: string[]): { status: number | null; said: string } {
  assert.ok('program' in found);
  const { status, stdout, stderr } = spawnSync(found.program, args, {
    cwd: prometheus,
    encoding: 'utf8',
  });
  return { status, said: `${stdout}${stderr}` };
}

test('the alert rules pass their unit tests', { skip }, () => {
  for (const args of [
    ['check', 'rules', 'rules.yml'],
    ['check', 'config', '--syntax-only', 'prometheus.yml'],
    ['test', 'rules', ...ruleTests],
  ]) {
    const { status, said } = run(...args);
    assert.equal(status, 0, said);
  }
});

test('every alert has a firing and a silent test case', () => {
  interface Case {
    readonly alert_rule_test: { alertname: string; exp_alerts: unknown[] }[];
  }
  const cases = ruleTests.flatMap((file) =>
    yamlFile<{ tests: Case[] }>(`ops/prometheus/${file}`).tests.flatMap(
      (one) => one.alert_rule_test,
    ),
  );
  for (const { alert } of rules) {
    const own = cases.filter(({ alertname }) => alertname === alert);
    assert.ok(
      own.some(({ exp_alerts: told }) => told.length > 0),
      `${alert} fires`,
    );
    const silent = own.some(({ exp_alerts: told }) => told.length === 0);
    assert.ok(silent || alert === 'Watchdog', `${alert} is silent`);
  }
});

test('the runbook has exactly one section for each alert, in the same order', () => {
  const sections = [...read('docs/runbook.md').matchAll(/^## (.+)$/gm)].map(([, name]) => name);
  assert.deepEqual(
    sections,
    rules.map(({ alert }) => alert),
  );
  const severities: Record<string, string> = { page: 'Page', ticket: 'Ticket', none: 'None' };
  for (const { alert, labels, annotations } of rules) {
    assert.equal(annotations.runbook, `docs/runbook.md#${alert.toLowerCase()}`);
    const begins = `## ${alert}\n**${severities[labels.severity]}.**`;
    assert.ok(read('docs/runbook.md').includes(begins), `${alert} says its severity`);
  }
});

test('alerts on work queues fire when the work-queue page marks an item as late', () => {
  const alerts = new Map(
    rules.flatMap(({ expr }) => {
      const [, queue, hours] =
        /work_queue_oldest_seconds\{queue="(\w+)"\}\) > (\d+) \* 3600/.exec(expr) ?? [];
      return queue === undefined ? [] : [[queue, Number(hours)] as const];
    }),
  );
  // Refunds and overpaid refunds have separate metrics and alerts.
  const own = new Set(['refunds', 'claims']);
  assert.deepEqual(
    alerts,
    new Map(Object.entries(queueTargetHours).filter(([queue]) => !own.has(queue))),
  );
  const days = (name: string) =>
    rules.find(({ alert }) => alert === name)!.expr.match(/> (\d+) \* 86400/)?.[1];
  assert.equal(Number(days('RefundsStuck')) * 24, queueTargetHours.refunds);
  assert.equal(Number(days('OverpaidRefundsStuck')) * 24, queueTargetHours.claims);
});

/** The names of the metrics in an expression. */
function metricsIn(expr: string): string[] {
  return expr.match(/\b(?:sambatan|process|nodejs)_[a-z0-9_]+/g) ?? [];
}

test('alerts and dashboard use only metrics of a running service', async () => {
  const service = await startHttpService({ scheduler: true });
  after(() => service.close());
  await service.visitor.get('/campaigns');
  await service.app.monitor.look();
  await service.app.monitor.look();
  const { text } = await service.visitor.get('//metrics');
  const series = new Set([...text.matchAll(/^([a-z_][a-z0-9_]*)[{ ]/gm)].map(([, name]) => name));
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)/gm)];
  // A metric with labels has no time series before its first event, so its name is taken from the
  // type.
  for (const [, name = '', type] of types) {
    series.add(name);
    if (type === 'histogram')
      for (const part of ['bucket', 'sum', 'count']) series.add(`${name}_${part}`);
  }
  const dashboard = JSON.parse(read('ops/grafana/dashboards/sambatan.json')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  const asked = [
    ...rules.map(({ alert, expr }) => ({ by: alert, expr })),
    ...dashboard.panels.flatMap(({ title, targets }) =>
      targets.map(({ expr }) => ({ by: title, expr })),
    ),
  ];
  const missing = asked.flatMap(({ by, expr }) =>
    metricsIn(expr)
      .filter((name) => !series.has(name))
      .map((name) => `${by}: ${name}`),
  );
  assert.deepEqual(missing, []);
  assert.ok(asked.length > 40);
});

test('the dashboard’s queries are valid for Prometheus', { skip }, () => {
  const dashboard = JSON.parse(read('ops/grafana/dashboards/sambatan.json')) as {
    panels: { targets: { expr: string }[] }[];
  };
  const rulesOf = dashboard.panels
    .flatMap(({ targets }) => targets)
    .map(({ expr }, index) => ({ record: `dashboard:query:${index}`, expr }));
  const file = join(directory(), 'dashboard.yml');
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: rulesOf }] }));
  const { status, said } = run('check', 'rules', file);
  assert.equal(status, 0, said);
});
