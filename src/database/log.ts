import type { BaseLogger } from 'pino';

/** What this folder needs of a logger: structured fields first, then one sentence. */
export type Log = Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'>;
