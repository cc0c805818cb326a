import assert from 'node:assert/strict';
import { test } from 'node:test';
import { databaseError, endsConnection, withOutcome } from '../../src/database/errors.ts';

const serverError = (code: string, severity: string) =>
  Object.assign(new Error('x'), { code, severity });

test('a statement that the server ends together with its session may have been committed', () => {
  const ended = [
    serverError('57P01', 'FATAL'),
    // The same in the Russian of the server.
    serverError('57P01', 'ВАЖНО'),
    serverError('25P03', 'FATAL'),
    // From a connection pooler that has lost the server.
    serverError('08006', 'ERROR'),
    serverError('08P01', 'FATAL'),
  ];
  for (const error of ended) {
    assert.ok(endsConnection(error), `${error.code} ${error.severity}`);
    const failure = databaseError(withOutcome(error, { safe: false }));
    assert.deepEqual(failure, { kind: 'unavailable', safe: false }, `${error.code}`);
  }
});

test('a statement that the server refused without ending the session changed nothing', () => {
  for (const code of ['53100', '53200', '58030', '25006']) {
    const error = serverError(code, 'ERROR');
    assert.equal(endsConnection(error), false, code);
    const failure = databaseError(withOutcome(error, { safe: false }));
    assert.deepEqual(failure, { kind: 'unavailable', safe: true }, code);
  }
});
