import type { BaseLogger } from 'pino';

/** The logger of this folder: structured fields first, then a message. */
export type Log = Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'>;
