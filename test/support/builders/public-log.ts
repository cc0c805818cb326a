import { ChangeNotifier } from '../../../src/audit/change-notifier.ts';
import type { Database } from '../../../src/database/pool.ts';
import { createMetrics } from '../../../src/observability/metrics.ts';
import { derivedKey, type KeySource } from '../../../src/public-log/key-source.ts';
import { LogWriter } from '../../../src/public-log/writer.ts';
import { noMetricSources } from '../fakes/metric-sources.ts';
import { recordingLog } from '../server/log.ts';

/** The private key of logs in tests. */
export const testLogKey = derivedKey('the secret key of a log in tests, 32 characters');
export const testLogName = 'sambatan.test';

/** A writer of the public log; the test starts it, or calls `drain`. */
export function createLogWriter(
  db: Database,
  { keySource = testLogKey, logName = testLogName }: LogWriterInput = {},
) {
  const log = recordingLog();
  const changeNotifier = new ChangeNotifier(db, log);
  const metrics = createMetrics(noMetricSources);
  const writer = new LogWriter({ db, changeNotifier, log, metrics, keySource, logName });
  return { writer, log, changeNotifier, metrics };
}

interface LogWriterInput {
  readonly keySource?: KeySource;
  readonly logName?: string;
}
