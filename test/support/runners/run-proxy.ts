// `npm run proxy:check`: runs a real HAProxy with the configuration in ops/haproxy in front of the
// service, and sends attacks, slow requests and a crowd. Needs HAProxy on PATH, or a Debian or
// Ubuntu from whose package it is unpacked. Without it the command fails.
//   npm run proxy:check -- test/proxy/smuggling.check.ts (one file)
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { haproxy } from '../server/debian.ts';

const found = haproxy();
if ('missing' in found) {
  process.stderr.write(`proxy: ${found.missing}\n`);
  process.exit(1);
}
const given = process.argv.slice(2);
const files = given.length > 0 ? given : globSync('test/proxy/*.check.ts').toSorted();
const runner = join(import.meta.dirname, 'run.ts');
const flags = ['--test-concurrency=1'];
spawn(process.execPath, [runner, ...flags, ...files], { stdio: 'inherit' }).on('exit', (code) => {
  process.exitCode = code ?? 1;
});
