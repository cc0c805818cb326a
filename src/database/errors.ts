/** What went wrong in the database, in the terms that callers decide by. */
export type DatabaseFailure =
  /** A rule said no: raised by an SQL function with errcode SB000. */
  | { readonly kind: 'refusal'; readonly code: string; readonly params: Record<string, unknown> }
  /** The server is away. `safe`: provably nothing was applied, so that a retry is allowed. */
  | { readonly kind: 'unavailable'; readonly safe: boolean }
  /** Every connection of the pool stayed taken for the whole time-out; nothing was applied. */
  | { readonly kind: 'overloaded' }
  /** A lock, a deadlock, a serialization or a time-out; nothing was applied. */
  | { readonly kind: 'busy'; readonly sqlState: string }
  /** A constraint of the schema; nothing was applied. */
  | { readonly kind: 'constraint'; readonly constraint: string; readonly sqlState: string }
  /** A bug, ours or the server's. */
  | { readonly kind: 'unknown' };

/**
 * The connection could not be had, or was lost. `safe` says that provably nothing was applied:
 * the statement was not sent, or its transaction's COMMIT was not.
 */
export class ConnectionFailure extends Error {
  readonly safe: boolean;
  /** Every connection of the pool was taken; the server itself may be well. */
  readonly poolExhausted: boolean;

  constructor(cause: unknown, { safe, poolExhausted = false }: FailureOptions) {
    const reason = cause instanceof Error ? cause.message || codeOf(cause) : String(cause);
    super(poolExhausted ? 'no database connection came free in time' : `database: ${reason}`, {
      cause,
    });
    this.name = 'ConnectionFailure';
    this.safe = safe;
    this.poolExhausted = poolExhausted;
  }
}

interface FailureOptions {
  safe: boolean;
  poolExhausted?: boolean;
}

/** COMMIT answered ROLLBACK: an error inside the transaction was swallowed. Nothing was applied. */
export class CommitRefused extends Error {
  constructor() {
    super('the transaction had failed before its COMMIT; nothing was applied');
    this.name = 'CommitRefused';
  }
}

/** The fields of an error that PostgreSQL itself reported. */
interface ServerError extends Error {
  readonly code: string;
  readonly severity: string;
  readonly detail?: string;
  readonly constraint?: string;
  /** The function of PostgreSQL that gave up; the same in every language. */
  readonly routine?: string;
}

/** Classifies anything that was thrown by this folder's functions; never throws itself. */
export function databaseError(error: unknown): DatabaseFailure {
  if (error instanceof ConnectionFailure) {
    return error.poolExhausted ? { kind: 'overloaded' } : { kind: 'unavailable', safe: error.safe };
  }
  if (!isServerError(error)) return { kind: 'unknown' };
  const sqlState = error.code;
  if (sqlState === 'SB000') {
    return { kind: 'refusal', code: error.message, params: paramsOf(error.detail) };
  }
  if (busyStates.has(sqlState)) return { kind: 'busy', sqlState };
  if (sqlState.startsWith('23')) {
    return { kind: 'constraint', constraint: error.constraint ?? '', sqlState };
  }
  // An ERROR ends its statement without effect; what ends the session comes as ConnectionFailure.
  if (isUnavailableState(sqlState) || couldNotStore(error) || isStalePlan(error)) {
    return { kind: 'unavailable', safe: true };
  }
  return { kind: 'unknown' };
}

/** Lock not available, serialization, deadlock, cancelled by a time-out. */
const busyStates = new Set(['55P03', '40001', '40P01', '57014']);

/** Errors after which the server is gone or refuses work: PostgreSQL manual, appendix A. */
function isUnavailableState(sqlState: string): boolean {
  // 08 connection, 53 resources, 57P0x shutdown and start, 58 system, 25006 a read-only standby,
  // 25P03 and 25P04 session time-outs that end the connection.
  return /^(08|53|58|57P0)/.test(sqlState) || ['25006', '25P03', '25P04'].includes(sqlState);
}

/**
 * A file that may not grow, by a quota or a limit of the process: PostgreSQL knows a full disk
 * (53100) and calls the others internal errors. Told by who found it, because texts are translated.
 */
function couldNotStore({ code, routine = '' }: ServerError): boolean {
  return code === 'XX000' && /^(md(zero)?extend|mdwritev?|FileWrite|BufFileDump)/.test(routine);
}

/**
 * A prepared statement that this connection no longer has, or whose result a migration changed:
 * refused before it ran. A fresh connection prepares it anew.
 */
export function isStalePlan(error: unknown): boolean {
  if (!isServerError(error)) return false;
  if (error.code === '26000' || error.code === '42P05') return true;
  return error.code === '0A000' && error.message.includes('cached plan');
}

/** Whether the connection that gave this error may not be used again. */
export function endsConnection(error: unknown): boolean {
  if (isServerError(error)) {
    return error.severity === 'FATAL' || error.severity === 'PANIC' || isStalePlan(error);
  }
  return (
    error instanceof Error && (lostMessages.test(error.message) || lostCodes.test(codeOf(error)))
  );
}

/**
 * A lost connection becomes a ConnectionFailure that says whether anything may have been applied;
 * every other error is given back as it came.
 */
export function withOutcome(error: unknown, { safe }: { safe: boolean }): unknown {
  if (error instanceof ConnectionFailure || !endsConnection(error) || isStalePlan(error)) {
    return error;
  }
  return new ConnectionFailure(error, { safe });
}

/** Whether no connection could be had, or it was lost: nothing else will get on either. */
export function isWithoutConnection(error: unknown): boolean {
  const { kind } = databaseError(error);
  return kind === 'unavailable' || kind === 'overloaded';
}

// What the driver (pg 8.23) says of a lost connection, and the operating system's names for it.
const lostMessages =
  /^(Connection terminated|timeout expired|Query read timeout|Client (has encountered|was closed))/;
const lostCodes =
  /^(ECONN|EPIPE|ENOENT|EACCES|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_|ERR_STREAM|ERR_SSL|EADDRNOTAVAIL)/;

function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && 'severity' in error && /^[0-9A-Z]{5}$/.test(codeOf(error));
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function paramsOf(detail: string | undefined): Record<string, unknown> {
  if (detail === undefined || detail === '') return {};
  const value: unknown = JSON.parse(detail);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
