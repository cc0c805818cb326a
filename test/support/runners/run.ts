// `npm test`: starts one server for all test files, runs `node --test` on them, and removes
// everything afterwards. Arguments are files and flags of `node --test`; without files, all of
// test/**/*.test.ts.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { asAdmin, clusterVariables, startCluster, type TestCluster } from '../database/cluster.ts';

const everyFile = 'test/**/*.test.ts';
/** Every file is a process, and many start more: compile their modules once into a cache. */
const compileCache = join(import.meta.dirname, '../../../node_modules/.cache/node');
// Pages in every combination take minutes on two cores without a graphics card.
const testTimeoutMilliseconds = 1_500_000;

let cluster: TestCluster | undefined;
let child: ReturnType<typeof spawn> | undefined;
let interrupted = false;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupted = true;
    child?.kill(signal);
  });
}

try {
  cluster = await startCluster();
  const code = interrupted ? 130 : await runAll(cluster, process.argv.slice(2));
  process.exitCode = (await leftDatabases(cluster)) && code === 0 ? 1 : code;
} finally {
  await cluster?.stop();
}

/**
 * Without files: all of them. Tests that render pages run one at a time after the others, because a
 * browser without a graphics card uses both cores.
 */
async function runAll(on: TestCluster, given: string[]): Promise<number> {
  if (given.some((argument) => !argument.startsWith('-'))) return await runTests(on, given);
  const all = globSync(everyFile).toSorted();
  const draws = (file: string) => file.startsWith('test/browser/');
  const code = await runTests(on, [...given, ...all.filter((file) => !draws(file))]);
  if (interrupted) return code;
  return (await runTests(on, [...given, ...all.filter(draws)], 1)) || code;
}

async function runTests(
  { adminUrl, template }: TestCluster,
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
      env: {
        ...process.env,
        NODE_COMPILE_CACHE: compileCache,
        [clusterVariables.adminUrl]: adminUrl,
        [clusterVariables.template]: template,
      },
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
  if (interrupted) return false;
  const { rows } = await asAdmin(
    adminUrl,
    "select datname from pg_database where datname like 'sambatan\\_test\\_%'",
  );
  if (rows.length > 0) {
    process.stderr.write(`${rows.length} test databases were not closed by their test files\n`);
  }
  return rows.length > 0;
}
