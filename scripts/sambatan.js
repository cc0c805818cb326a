#!/usr/bin/env node
// The command `sambatan`. It installs the packages if necessary, and then runs src/main.ts with the
// Node version of the project.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import './setup.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const windows = process.platform === 'win32';
const runtime = join(root, 'node_modules', '.bin', windows ? 'node.cmd' : 'node');
const child = spawn(
  runtime,
  // The same option as in package.json and the Dockerfile. docs/performance.md explains it.
  ['--max-semi-space-size=8', join(root, 'src', 'main.ts'), ...process.argv.slice(2)],
  {
    stdio: 'inherit',
    env: { NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'node'), ...process.env },
    shell: windows,
  },
);

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => child.kill(signal));
}
child.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 143);
});
