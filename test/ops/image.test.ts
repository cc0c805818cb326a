import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { variables } from '../../src/config/settings.ts';
import { testDatabase } from '../support/database/database.ts';
import { directory } from '../support/server/service.ts';
import { startServiceProcess } from '../support/server/started.ts';
import { yamlFile } from '../support/clients/yaml.ts';

const project = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(project, path), 'utf8');
const serviceKey = 'service-key-of-at-least-32-characters';

/** The instructions of the Dockerfile. Instructions on several lines are joined into one. */
const instructions = read('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .map((line) => /^([A-Z]+) (.*)$/.exec(line))
  .filter((match) => match !== null)
  .map(([, name = '', rest = '']) => ({ name, rest }));
const all = (name: string) =>
  instructions.filter((one) => one.name === name).map(({ rest }) => rest);
/** The files of this project that are copied, without those from an earlier build stage. */
const copied = all('COPY')
  .filter((rest) => !rest.startsWith('--from='))
  .flatMap((rest) => rest.split(' ').slice(0, -1));

test('everything that the image copies exists and is in the build context', () => {
  assert.ok(copied.length > 3);
  const sent = read('.dockerignore').split('\n');
  assert.equal(sent[0], '*');
  for (const path of copied) {
    assert.ok(existsSync(join(project, path)), path);
    assert.ok(sent.includes(`!${path.replace(/^\.\//, '')}`), `${path} is sent`);
  }
});

test('the image does not run as root, and its health check uses /readyz', () => {
  const user = instructions.findLastIndex(({ name }) => name === 'USER');
  assert.deepEqual(all('USER'), ['node']);
  assert.ok(instructions.slice(user).every(({ name }) => name !== 'RUN'));
  assert.match(all('HEALTHCHECK')[0] ?? '', /\/readyz/);
  const bases = all('FROM').map((rest) => rest.split(' ')[0] ?? '');
  for (const base of bases) assert.match(base, /^\S+:\S+$/);
});

test('the image sets variables that the service reads, to valid values', () => {
  const environment = Object.fromEntries(
    [...(all('ENV')[0] ?? '').matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value]) => [
      name,
      value,
    ]),
  );
  const ofOthers = new Set(['NODE_ENV', 'NODE_OPTIONS']);
  for (const [name, value = ''] of Object.entries(environment)) {
    if (ofOthers.has(name)) continue;
    assert.ok(Object.hasOwn(variables, name), name);
    assert.notEqual(variables[name as keyof typeof variables].parse(value), undefined, name);
  }
  assert.deepEqual(all('EXPOSE'), [environment['PORT']]);
});

test('every way of starting the service passes the same options to Node', () => {
  const flag = /--max-semi-space-size=\d+/;
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const given = [
    all('ENV')[0],
    scripts['start'],
    read('scripts/sambatan.js'),
    read('bench/support/server.ts'),
  ].map((text) => flag.exec(text ?? '')?.[0]);
  assert.ok(given[0] !== undefined);
  assert.equal(new Set(given).size, 1, given.join(', '));
});

test('the service needs no file that the image leaves out', async (t) => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: object };
  const files = readdirSync(join(project, 'src'), { recursive: true, encoding: 'utf8' });
  const wanted = files
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) => [
      ...read(join('src', file)).matchAll(/^import (?!type )[^;]*?from '([^.'][^']*)'/gm),
    ])
    .map(([, name = '']) => name)
    .filter((name) => !isBuiltin(name))
    .map((name) =>
      name
        .split('/')
        .slice(0, name.startsWith('@') ? 2 : 1)
        .join('/'),
    );
  assert.ok(wanted.length > 20);
  assert.deepEqual(
    wanted.filter((name) => !Object.hasOwn(dependencies, name)),
    [],
  );

  // Copies the content of the image to a directory, and starts service and worker there.
  const database = await testDatabase();
  after(() => database.close());
  const root = join(directory(), 'image');
  mkdirSync(root);
  for (const path of copied) {
    cpSync(join(project, path), join(root, path), { recursive: true });
  }
  symlinkSync(join(project, 'node_modules'), join(root, 'node_modules'));
  const settings = { DATABASE_URL: database.url, SAMBATAN_SERVICE_KEY: serviceKey };
  const entry = ['node_modules/.bin/node', 'src/main.ts'];
  const command = [...entry, 'serve', '--no-worker'];
  const serving = await startServiceProcess(t, { command, cwd: root, variables: settings });
  const health = await serving.client(serviceKey).get('/health');
  assert.equal(health.body['database_connected'], true);
  serving.process.kill('SIGTERM');
  assert.equal(await serving.ended, 0);
});

interface Service {
  readonly image?: string;
  readonly profiles?: string[];
  readonly command?: string[];
  readonly ports?: string[];
  readonly volumes?: string[];
  readonly environment?: Record<string, string>;
  readonly depends_on?: object;
  readonly cap_drop?: string[];
  readonly security_opt?: string[];
  readonly read_only?: boolean;
  readonly tmpfs?: string[];
  readonly logging?: { readonly options: Readonly<Record<string, string>> };
  readonly stop_grace_period?: string;
}
const compose = yamlFile<{ services: Record<string, Service>; volumes: object }>('compose.yaml');
const { services } = compose;

test('compose starts the service, a worker, PostgreSQL, Prometheus and Grafana', () => {
  const always = Object.keys(services).filter((name) => services[name]?.profiles === undefined);
  assert.deepEqual(always.toSorted(), ['grafana', 'postgres', 'prometheus', 'service', 'worker']);
  assert.deepEqual(services['service']?.command, ['serve', '--no-worker']);
  assert.deepEqual(services['worker']?.command, ['worker', '--listen']);
});

test('compose sets only variables that the service reads, and no secret of its own', () => {
  for (const name of ['service', 'worker']) {
    const { environment = {} } = services[name] ?? {};
    for (const [variable, value] of Object.entries(environment)) {
      assert.ok(Object.hasOwn(variables, variable), variable);
      const { secret } = variables[variable as keyof typeof variables];
      assert.ok(!secret || /\$\{\w+:[?-]/.test(value), `${variable} comes from outside`);
    }
    // A variable that is empty counts as not set, so the default applies.
    assert.ok(environment['DATABASE_URL']?.includes('@postgres:5432/'));
  }
});

test('compose passes every setting to the service and the worker', () => {
  // Variables that the image sets, because the ports and volumes of compose.yaml depend on their
  // values.
  const ofTheImage = ['HOST', 'PORT', 'SAMBATAN_DATA_DIR'];
  const wanted = Object.keys(variables).filter((name) => !ofTheImage.includes(name));
  for (const name of ['service', 'worker']) {
    const { environment = {} } = services[name] ?? {};
    assert.deepEqual(Object.keys(environment).toSorted(), wanted.toSorted());
    for (const variable of wanted) {
      // In compose.yaml DATABASE_URL is composed with POSTGRES_PASSWORD.
      if (variable === 'DATABASE_URL') continue;
      assert.match(environment[variable] ?? '', new RegExp(`^\\$\\{${variable}:[?-].*\\}$`));
    }
  }
});

test('compose shows e-mails on request, so that users can sign in without a mail server', () => {
  const { profiles, ports, image } = services['mail'] ?? {};
  assert.deepEqual(profiles, ['mail']);
  assert.deepEqual(ports, ['127.0.0.1:8025:8025']);
  assert.match(image ?? '', /^axllent\/mailpit:v\d+\.\d+\.\d+$/);
  assert.ok(read('docs/operations.md').includes('SMTP_URL=smtp://mail:1025'));
  assert.notEqual(variables.SMTP_URL.parse('smtp://mail:1025'), undefined);
});

test('compose drops all privileges of service and worker, which write to their volumes only', () => {
  for (const name of ['service', 'worker']) {
    const { cap_drop, security_opt, read_only, tmpfs, volumes } = services[name] ?? {};
    assert.deepEqual(cap_drop, ['ALL']);
    assert.deepEqual(security_opt, ['no-new-privileges:true']);
    assert.equal(read_only, true);
    assert.deepEqual(tmpfs, ['/tmp']);
    const places = JSON.parse(all('VOLUME')[0] ?? '[]') as string[];
    assert.ok(volumes?.every((mount) => places.includes(mount.split(':')[1] ?? '')));
  }
});

test('container logs have a maximum size', () => {
  for (const [name, { logging }] of Object.entries(services)) {
    assert.match(logging?.options['max-size'] ?? '', /^\d+m$/, name);
  }
});

test('everything that compose mounts exists, and its volumes are declared', () => {
  for (const [name, { volumes = [] }] of Object.entries(services)) {
    for (const mount of volumes) {
      const [from = ''] = mount.split(':');
      const there = from.startsWith('./')
        ? existsSync(join(project, from))
        : Object.hasOwn(compose.volumes, from);
      assert.ok(there, `${name}: ${mount}`);
    }
  }
});

test('compose publishes ports to this machine only, and its stop time-out covers a shutdown', () => {
  for (const { ports = [] } of Object.values(services)) {
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:/);
  }
  assert.ok(services['service']?.ports?.[0]?.endsWith(`:${all('EXPOSE')[0]}`));
  const stopMs = /stopMilliseconds = ([\d_]+)/.exec(read('src/commands/stop-process.ts'))?.[1];
  const grace = Number(services['service']?.stop_grace_period?.replace('s', ''));
  assert.ok(grace * 1_000 > Number(stopMs?.replace('_', '')));
});

test('Prometheus scrapes the service and the worker, and Grafana shows its data', () => {
  const scraped = yamlFile<{
    rule_files: string[];
    scrape_configs: { job_name: string; static_configs: { targets: string[] }[] }[];
  }>('ops/prometheus/prometheus.yml');
  const [job] = scraped.scrape_configs;
  assert.equal(job?.job_name, 'sambatan');
  const port = all('EXPOSE')[0];
  assert.deepEqual(job.static_configs[0]?.targets, [`service:${port}`, `worker:${port}`]);
  const mounted = services['prometheus']?.volumes?.map((mount) => mount.split(':')[1]);
  assert.ok(scraped.rule_files.every((file) => mounted?.includes(file)));
  const { datasources } = yamlFile<{ datasources: { uid: string; url: string }[] }>(
    'ops/grafana/provisioning/datasources/prometheus.yml',
  );
  const { providers } = yamlFile<{ providers: { options: { path: string } }[] }>(
    'ops/grafana/provisioning/dashboards/sambatan.yml',
  );
  const dashboard = JSON.parse(read('ops/grafana/dashboards/sambatan.json')) as {
    panels: { datasource: { uid: string } }[];
  };
  assert.equal(datasources[0]?.url, 'http://prometheus:9090');
  assert.ok(dashboard.panels.every(({ datasource }) => datasource.uid === datasources[0]?.uid));
  const shown = services['grafana']?.volumes?.map((mount) => mount.split(':')[1]);
  assert.ok(providers.every(({ options }) => shown?.includes(options.path)));
});
