import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { proxyResponses, target } from '../../scripts/proxy-responses.ts';
import { haproxy } from '../support/server/debian.ts';
import { haproxyConfig } from '../support/server/haproxy.ts';

const found = haproxy();
const skip = 'missing' in found ? found.missing : false;

test('HAProxy accepts the configuration without a warning', { skip }, () => {
  assert.ok('program' in found);
  const { stdout, stderr, status } = spawnSync(found.program, ['-c', '-f', haproxyConfig], {
    env: { ...process.env, ...found.variables, PROXY_MAX_CONNECTIONS: '400' },
    encoding: 'utf8',
  });
  assert.deepEqual([status, stdout.trim()], [0, 'Configuration file is valid'], stderr);
  assert.doesNotMatch(stderr, /WARNING|ALERT/);
});

test('the responses of HAProxy have the words of the service', () => {
  assert.equal(readFileSync(target, 'utf8'), proxyResponses());
});
