import type { Logger } from 'pino';
import type { Pokes } from './audit/pokes.ts';
import type { Config } from './config.ts';
import type { Database } from './database/pool.ts';
import type { Live } from './http/live.ts';
import type { Authenticator } from './identity/authenticate.ts';
import type { Scheduler } from './lifecycle/scheduler.ts';
import type { Metrics } from './metrics.ts';
import type { JoinBatcher } from './participations/batcher.ts';

/** Everything a running service is made of, built once and passed on. */
export interface App {
  readonly config: Config;
  readonly db: Database;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly joins: JoinBatcher;
  readonly pokes: Pokes;
  /** Not started in a process that only answers HTTP; runs by hand work all the same. */
  readonly scheduler: Scheduler;
  readonly authenticate: Authenticator;
  readonly live: Live;
  /** Asks the database on a connection of its own, which no busy pool can keep waiting. */
  readonly pingDatabase: () => Promise<unknown>;
  close(): Promise<void>;
}
