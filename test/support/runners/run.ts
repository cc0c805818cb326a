// `npm test`: starts one server for all test files, runs `node --test` on them, and removes
// everything afterwards. Arguments are files and flags of `node --test`; without files, all of
// test/**/*.test.ts.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { asAdmin, clusterVariables, startCluster, type TestCluster } from '../database/cluster.ts';
import { everyFile, runLanes, usesBrowser } from './lanes.ts';

/** Every file is a process, and many start more: compile their modules once into a cache. */
const compileCache = join(import.meta.dirname, '../../../node_modules/.cache/node');
// Pages in every combination take minutes on two cores without a graphics card.
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

/** Without arguments: all files in lanes. With flags only: all files, pages after the others. */
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

/** What tells the test files where the server and the compile cache are. */
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

/** A test file that does not close its database skips its invariants too. */
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
