// `npm test`: starts one database server for all test files, runs them with `node --test`, and
// deletes everything afterwards. The arguments are files and options of `node --test`. Without
// files it runs all of test/**/*.test.ts.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { asAdmin, clusterVariables, startCluster, type TestCluster } from '../database/cluster.ts';
import { everyFile, runLanes, usesBrowser } from './lanes.ts';

/**
 * Every test file is a process, and many of them start more processes. They all use one cache of
 * compiled modules, so that each module is compiled only once.
 */
const compileCache = join(import.meta.dirname, '../../../node_modules/.cache/node');
// Pages in every combination of language, size and theme take minutes on two cores without a
// graphics card.
const testTimeoutMilliseconds = 1_500_000;

let cluster: TestCluster | undefined;
let child: ReturnType<typeof spawn> | undefined;
const interruption = new AbortController();

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interruption.abort();
    child?.kill(signal);
  });
}

try {
  cluster = await startCluster();
  const code = interruption.signal.aborted ? 130 : await runAll(cluster, process.argv.slice(2));
  process.exitCode = (await leftDatabases(cluster)) && code === 0 ? 1 : code;
} finally {
  await cluster?.stop();
}

/**
 * Without arguments, runs all test files in two parallel groups. With options only, runs the files
 * that render pages after all others.
 */
async function runAll(on: TestCluster, given: string[]): Promise<number> {
  if (given.length === 0) {
    Object.assign(process.env, variablesOf(on));
    const hasPassed = await runLanes(testTimeoutMilliseconds, interruption.signal);
    return interruption.signal.aborted ? 130 : Number(!hasPassed);
  }
  if (given.some((argument) => !argument.startsWith('-'))) return await runTests(on, given);
  const all = globSync(everyFile).toSorted();
  const others = all.filter((file) => !usesBrowser(file));
  const code = await runTests(on, [...given, ...others]);
  if (interruption.signal.aborted) return code;
  return (await runTests(on, [...given, ...all.filter(usesBrowser)], 1)) || code;
}

/**
 * The environment variables that tell the test files which server and which compile cache to use.
 */
function variablesOf({ adminUrl, template }: TestCluster) {
  return {
    NODE_COMPILE_CACHE: compileCache,
    [clusterVariables.adminUrl]: adminUrl,
    [clusterVariables.template]: template,
  };
}

async function runTests(
  on: TestCluster,
  given: string[],
  concurrency = availableParallelism() + 1,
): Promise<number> {
  const files = given.filter((argument) => !argument.startsWith('-'));
  const flags = given.filter((argument) => argument.startsWith('-'));
  const running = spawn(
    process.execPath,
    [
      '--test',
      `--test-concurrency=${concurrency}`,
      `--test-timeout=${testTimeoutMilliseconds}`,
      ...flags,
      ...(files.length > 0 ? files : [everyFile]),
    ],
    {
      stdio: 'inherit',
      env: { ...process.env, ...variablesOf(on) },
    },
  );
  child = running;
  return new Promise((done, failed) => {
    running.on('error', failed);
    running.on('exit', (code, signal) => done(code ?? (signal === null ? 1 : 130)));
  });
}

/**
 * Whether a test file has not closed its database: the invariants of that database were not
 * checked.
 */
async function leftDatabases({ adminUrl }: TestCluster): Promise<boolean> {
  if (interruption.signal.aborted) return false;
  const { rows } = await asAdmin(
    adminUrl,
    "select datname from pg_database where datname like 'sambatan\\_test\\_%'",
  );
  if (rows.length > 0) {
    process.stderr.write(`${rows.length} test databases were not closed by their test files\n`);
  }
  return rows.length > 0;
}
