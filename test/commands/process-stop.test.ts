import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

const module = join(import.meta.dirname, '../../src/commands/stop-process.ts');
const program = (stop: string, options = '{}') => `
  import { onStopSignal } from ${JSON.stringify(module)};
  const alive = setInterval(() => {}, 1000);
  onStopSignal(async (reason) => { ${stop} console.log(reason); clearInterval(alive); }, ${options});
  console.log('ready');`;

function run(code: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, 'close').then(([exit]) => ({ exit: exit as number | null, said }));
  return { child, ready: once(child.stdout, 'data'), ended };
}

test('a signal shuts down gracefully and the process exits by itself', async () => {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const { child, ready, ended } = run(program(''));
    await ready;
    child.kill(signal);
    assert.deepEqual(await ended, { exit: 0, said: `ready\n${signal}\n` });
  }
});

test('a second signal ends the process at once, and a failed stop sets the exit code', async () => {
  const slow = run(program("console.log('begun'); await new Promise(() => {});"));
  await slow.ready;
  slow.child.kill('SIGTERM');
  await once(slow.child.stdout, 'data');
  slow.child.kill('SIGTERM');
  assert.equal((await slow.ended).exit, 1);
  const failing = run(program("throw new Error('no');"));
  await failing.ready;
  failing.child.kill('SIGTERM');
  assert.equal((await failing.ended).exit, 1);
});

test('a service whose parent was killed stops too, if configured', async () => {
  const inner = program('', '{ withParent: true }');
  const outer = `
    import { spawn } from 'node:child_process';
    spawn(process.execPath, ['--input-type=module', '-e', ${JSON.stringify(inner)}],
      { stdio: ['ignore', 'inherit', 'ignore'] });
    setInterval(() => {}, 1000);`;
  const { child, ready, ended } = run(outer);
  await ready;
  child.kill('SIGKILL');
  // The pipe closes only when the inner process has ended, because it holds the pipe too.
  assert.equal((await ended).said, 'ready\nthe parent process has ended\n');
});
