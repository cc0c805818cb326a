import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { parseEnv } from 'node:util';
import { ConfigError, exampleEnvironment, readConfig } from '../../src/config/config.ts';
import { readEnvFile } from '../../src/config/env-file.ts';
import { checkNames } from '../../src/config/setting-names.ts';
import { variables } from '../../src/config/settings.ts';

const key = 'k'.repeat(32);
const issuer = 'https://project.supabase.co/auth/v1';

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems;
  }
  return [];
}

test('an empty environment is a complete configuration with the embedded database', () => {
  assert.deepEqual(readConfig({}), {
    http: {
      host: '127.0.0.1',
      port: 8000,
      trustedProxies: [],
      publicUrl: undefined,
      drainSeconds: 0,
      maxInFlight: 2000,
    },
    database: { url: undefined, dataDirectory: resolve('data') },
    identity: {
      serviceKey: undefined,
      secretKey: undefined,
      jwtSecret: undefined,
      jwksUrl: undefined,
      jwtIssuer: undefined,
      jwtAudience: 'authenticated',
      operators: [],
      operatorsNeedFactor: false,
      reauthMinutes: 15,
      allowAnonymousUsers: false,
    },
    scheduler: { intervalMinutes: 5 },
    joins: { limitPerMinute: 10 },
    payments: {
      holdGraceMinutes: 0,
      termHours: 72,
      graceHours: 24,
      verificationHours: 48,
      decisionHours: 72,
      receivedAfterDays: 14,
    },
    gateway: { midtrans: undefined },
    mail: {
      smtpUrl: undefined,
      from: 'Sambatan <sambatan@localhost>',
      perMinute: 600,
      perDay: 20_000,
    },
    watch: { invariantHours: 24 },
    messages: { digestMinutes: 15 },
    webhooks: { allowLoopback: false },
    publicLog: { name: undefined, key: undefined, witnessUrls: [], witnessFile: undefined },
    traces: { url: undefined, headers: {}, serviceName: 'sambatan', share: 1 },
    log: { level: 'info' },
  });
});

test('every variable is parsed', () => {
  const config = readConfig({
    HOST: '0.0.0.0',
    PORT: '0',
    DATABASE_URL: 'postgresql://u:p@db.example:5432/postgres',
    SAMBATAN_DATA_DIR: '/srv/sambatan',
    SAMBATAN_SERVICE_KEY: key,
    SAMBATAN_SCHEDULER_INTERVAL: '1440',
    SAMBATAN_JOIN_RATE_LIMIT: '0',
    SAMBATAN_TRUSTED_PROXIES: '10.0.0.7, 192.168.0.0/16,2001:db8::/32',
    SAMBATAN_JWT_SECRET: 's'.repeat(32),
    SAMBATAN_JWKS_URL: `${issuer}/.well-known/jwks.json`,
    SAMBATAN_JWT_ISSUER: issuer,
    SAMBATAN_JWT_AUDIENCE: 'buyers',
    SAMBATAN_DRAIN_SECONDS: '5',
    SAMBATAN_MAX_IN_FLIGHT: '300',
    SAMBATAN_INVARIANT_HOURS: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector.example/otlp/',
    OTEL_EXPORTER_OTLP_HEADERS: 'X-Key=abc=, team=dua',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
    LOG_LEVEL: 'debug',
  });
  assert.deepEqual(config.traces, {
    url: 'https://collector.example/otlp',
    headers: { 'x-key': 'abc=', team: 'dua' },
    serviceName: 'sambatan',
    share: 0.25,
  });
  assert.equal(config.http.drainSeconds, 5);
  assert.equal(config.http.maxInFlight, 300);
  assert.equal(config.watch.invariantHours, 0);
  assert.equal(config.http.port, 0);
  assert.deepEqual(config.http.trustedProxies, ['10.0.0.7', '192.168.0.0/16', '2001:db8::/32']);
  assert.equal(config.database.dataDirectory, '/srv/sambatan');
  assert.equal(config.joins.limitPerMinute, 0);
  assert.equal(config.identity.jwtAudience, 'buyers');
  assert.equal(config.log.level, 'debug');
});

test('the configuration is deeply immutable', () => {
  const config = readConfig({ SAMBATAN_TRUSTED_PROXIES: '10.0.0.7' });
  for (const part of [config, config.http, config.http.trustedProxies, config.identity]) {
    assert.ok(Object.isFrozen(part));
  }
});

test('an empty variable counts as unset', () => {
  assert.equal(readConfig({ DATABASE_URL: ' ', PORT: '' }).http.port, 8000);
});

test('all problems are reported together, each with its variable and the accepted values', () => {
  const problems = problemsOf({
    PORT: '65536',
    LOG_LEVEL: 'loud',
    SAMBATAN_SCHEDULER_INTERVAL: '2.5',
    SAMBATAN_JOIN_RATE_LIMIT: '-1',
    DATABASE_URL: 'mysql://root:hunter2@db/x',
    SAMBATAN_JWT_SECRET: 'too short',
  });
  const named = problems.map((problem) => problem.split(' ')[0]);
  assert.deepEqual(named, [
    'PORT',
    'DATABASE_URL',
    'SAMBATAN_SCHEDULER_INTERVAL',
    'SAMBATAN_JOIN_RATE_LIMIT',
    'SAMBATAN_JWT_SECRET',
    'LOG_LEVEL',
    'SAMBATAN_SERVICE_KEY',
    'SAMBATAN_JWT_ISSUER',
  ]);
  for (const problem of problems) assert.match(problem, /; accepted: /);
  assert.match(problems[0] ?? '', /"65536"/);
  assert.doesNotMatch(problems.join(), /hunter2|too short/);
});

const refused: [name: string, value: string][] = [
  ['HOST', 'http://localhost'],
  ['PORT', '80a'],
  ['PORT', '-1'],
  ['PORT', '1e3'],
  ['SAMBATAN_SERVICE_KEY', 'k'.repeat(31)],
  ['SAMBATAN_SERVICE_KEY', `${key} ${key}`],
  ['SAMBATAN_SCHEDULER_INTERVAL', '0'],
  ['SAMBATAN_SCHEDULER_INTERVAL', '1441'],
  ['SAMBATAN_JOIN_RATE_LIMIT', '100001'],
  ['SAMBATAN_MAX_IN_FLIGHT', '0'],
  ['SAMBATAN_TRUSTED_PROXIES', '0.0.0.0/0'],
  ['SAMBATAN_TRUSTED_PROXIES', '10.0.0.0/33'],
  ['SAMBATAN_TRUSTED_PROXIES', 'loopback'],
  ['SAMBATAN_TRUSTED_PROXIES', '10.0.0.1/8/8'],
  ['SAMBATAN_JWKS_URL', 'http://project.supabase.co/jwks.json'],
  ['SAMBATAN_JWKS_URL', 'https://user:hunter2@project.supabase.co/jwks.json'],
  ['SAMBATAN_JWKS_URL', 'not a url'],
  ['LOG_LEVEL', 'INFO'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
  ['OTEL_EXPORTER_OTLP_HEADERS', 'a key'],
  ['OTEL_TRACES_SAMPLER_ARG', '2'],
];
for (const [name, value] of refused) {
  test(`${name}=${value.slice(0, 40)} is refused`, () => {
    const [first = ''] = problemsOf({ [name]: value, SAMBATAN_JWT_ISSUER: issuer });
    assert.ok(first.startsWith(`${name} `), first);
    assert.doesNotMatch(first, /hunter2/);
  });
}

test('a key set may be fetched without TLS only from this machine', () => {
  const url = 'http://127.0.0.1:54321/auth/v1/.well-known/jwks.json';
  const config = readConfig({ SAMBATAN_JWKS_URL: url, SAMBATAN_JWT_ISSUER: issuer });
  assert.equal(config.identity.jwksUrl, url);
});

test('.env.example documents exactly the variables that the code reads, with their defaults', () => {
  const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');
  assert.equal(text, exampleEnvironment());
  const offered = parseEnv(text.replaceAll(/^# (?=[A-Z_]+=)/gm, ''));
  assert.deepEqual(Object.keys(offered).toSorted(), Object.keys(variables).toSorted());
  assert.deepEqual(readConfig(offered), readConfig({}));
});

test('a misspelt setting is refused with the intended name, also in lower case', () => {
  const meant = {
    SAMBATAN_TRUSTED_PROXY: 'SAMBATAN_TRUSTED_PROXIES',
    SAMBATAN_PUBLIC_URI: 'SAMBATAN_PUBLIC_URL',
    SAMBATAN_OPERATOR: 'SAMBATAN_OPERATORS',
    sambatan_operators: 'SAMBATAN_OPERATORS',
    MIDTRANS_SERVERKEY: 'MIDTRANS_SERVER_KEY',
  };
  for (const [name, right] of Object.entries(meant)) {
    const [problem] = problemsOf({ [name]: 'x' });
    if (name === 'SAMBATAN_TRUSTED_PROXY') {
      // Three characters differ, so the name may also be that of a setting in a newer version.
      assert.equal(problem, undefined);
      assert.match(checkNames([name]).unknown.join(), new RegExp(`nearest is ${right}`));
    } else assert.equal(problem, `${name} is not a setting; did you mean ${right}?`);
  }
  assert.deepEqual(checkNames(['PATH', 'SAMBATAN_TEST_SEED', 'SAMBATAN_PUBLIC_URL']), {
    misspelt: [],
    unknown: [],
  });
});

test('a file named in DATABASE_URL must exist', () => {
  const url = 'postgresql://u@db.example/d?sslmode=verify-full';
  const withKey = (more: string) => ({ DATABASE_URL: url + more, SAMBATAN_SERVICE_KEY: key });
  assert.deepEqual(problemsOf(withKey('&sslrootcert=/nowhere/ca.pem')), [
    'DATABASE_URL names /nowhere/ca.pem as sslrootcert, which is not there',
  ]);
  assert.match(
    problemsOf(withKey('&sslcert=/nowhere/c&sslkey=/nowhere/k')).join(),
    /sslcert.*sslkey/,
  );
  assert.deepEqual(problemsOf(withKey(`&sslrootcert=${import.meta.filename}`)), []);
  assert.deepEqual(problemsOf(withKey('')), []);
});

test('a # in an unquoted value is reported, a comment is not', () => {
  const { values, cut } = readEnvFile(
    [
      'A=pa#ss',
      'B="pa#ss"',
      "C='pa#ss'",
      'D=word # a comment',
      'E= # nothing',
      '# F=pa#ss',
      'export G = smtp://u:p#w@mail.example',
    ].join('\n'),
  );
  assert.deepEqual(cut, [
    { name: 'A', line: 1 },
    { name: 'G', line: 7 },
  ]);
  assert.deepEqual([values['A'], values['B'], values['C']], ['pa', 'pa#ss', 'pa#ss']);
});
