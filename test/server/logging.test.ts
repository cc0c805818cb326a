import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { DomainError } from '../../src/errors/errors.ts';
import { createLog } from '../../src/server/logging.ts';

/** The `err` field of the log line that an error creates. */
function logged(error: Error): Record<string, unknown> {
  const lines: string[] = [];
  const destination = new Writable({
    write(chunk: Buffer, _encoding, done) {
      lines.push(chunk.toString());
      done();
    },
  });
  createLog('info', destination).log.warn({ err: error }, 'failed');
  return (JSON.parse(lines[0]!) as { err: Record<string, unknown> }).err;
}

test('temporary database errors are logged without stack traces', () => {
  const error = new DomainError('database_unavailable', {});
  error.cause = new Error('timeout exceeded when trying to connect');
  const line = logged(error);
  assert.equal(line['code'], 'database_unavailable');
  assert.deepEqual(line['cause'], {
    type: 'Error',
    message: 'timeout exceeded when trying to connect',
  });
  assert.ok(!('stack' in line));
});

test('an unexpected error is logged with its stack trace and that of its cause', () => {
  const line = logged(new Error('no such column', { cause: new TypeError('x is not a function') }));
  assert.match(line['stack'] as string, /server\/logging\.test/);
  assert.match((line['cause'] as { stack: string }).stack, /TypeError/);
});
