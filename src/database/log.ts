import type { BaseLogger } from 'pino';

/**
 * The logger that the database code needs. Its methods get the structured fields first, then the
 * message.
 */
export type Log = Pick<BaseLogger, 'debug' | 'info' | 'warn' | 'error'>;
