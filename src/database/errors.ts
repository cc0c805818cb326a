/** Classes of database failures that callers distinguish. */
export type DatabaseFailure =
  /** A domain rule refused: an SQL function raised errcode SB000. */
  | { readonly kind: 'refusal'; readonly code: string; readonly params: Record<string, unknown> }
  /** The server is unreachable. `safe`: provably nothing was applied, so a retry is allowed. */
  | { readonly kind: 'unavailable'; readonly safe: boolean }
  /** No connection of the pool became free within the time-out; nothing was applied. */
  | { readonly kind: 'overloaded' }
  /** A lock, a deadlock, a serialization failure or a time-out; nothing was applied. */
  | { readonly kind: 'busy'; readonly sqlState: string }
  /** A constraint of the schema failed; nothing was applied. */
  | { readonly kind: 'constraint'; readonly constraint: string; readonly sqlState: string }
  /** A bug in this code or in the server. */
  | { readonly kind: 'unknown' };

/**
 * The connection could not be opened or was lost. `safe` means that provably nothing was applied:
 * the statement was not sent, or the COMMIT of its transaction was not.
 */
export class ConnectionFailure extends Error {
  readonly safe: boolean;
  /** All connections of the pool were in use; the server itself may be healthy. */
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

/**
 * COMMIT was answered with ROLLBACK: the operation swallowed an error inside the transaction.
 * Nothing was applied.
 */
export class CommitRefused extends Error {
  constructor() {
    super('the transaction had failed before its COMMIT; nothing was applied');
    this.name = 'CommitRefused';
  }
}

/** The fields of an error reported by PostgreSQL. */
interface ServerError extends Error {
  readonly code: string;
  readonly severity: string;
  readonly detail?: string;
  readonly constraint?: string;
  /** The PostgreSQL function that raised the error; independent of the language. */
  readonly routine?: string;
}

/** Classifies any error thrown by the functions of this folder; never throws. */
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
  // An ERROR ends its statement without effect; errors that end the session arrive as
  // ConnectionFailure.
  if (isUnavailableState(sqlState) || couldNotStore(error) || isStalePlan(error)) {
    return { kind: 'unavailable', safe: true };
  }
  return { kind: 'unknown' };
}

/** Lock not available, serialization failure, deadlock, cancelled by a time-out. */
const busyStates = new Set(['55P03', '40001', '40P01', '57014']);

/** Errors after which the server is unreachable or refuses work: PostgreSQL manual, appendix A. */
function isUnavailableState(sqlState: string): boolean {
  // 08 connection, 53 resources, 57P0x shutdown and start, 58 system, 25006 read-only standby,
  // 25P03 and 25P04 session time-outs that end the connection.
  return /^(08|53|58|57P0)/.test(sqlState) || ['25006', '25P03', '25P04'].includes(sqlState);
}

/**
 * A file cannot grow because of a quota or a process limit. PostgreSQL has a code for a full disk
 * (53100) and reports the others as internal errors. The check uses the routine name, because
 * messages are translated.
 */
function couldNotStore({ code, routine = '' }: ServerError): boolean {
  return code === 'XX000' && /^(md(zero)?extend|mdwritev?|FileWrite|BufFileDump)/.test(routine);
}

/**
 * The connection no longer has the prepared statement, or a migration changed its result type:
 * PostgreSQL refused it before running it. A new connection prepares it again.
 */
export function isStalePlan(error: unknown): boolean {
  if (!isServerError(error)) return false;
  if (error.code === '26000' || error.code === '42P05') return true;
  return error.code === '0A000' && error.message.includes('cached plan');
}

/** Returns true when the connection that raised this error must not be used again. */
export function endsConnection(error: unknown): boolean {
  if (isServerError(error)) {
    return error.severity === 'FATAL' || error.severity === 'PANIC' || isStalePlan(error);
  }
  return (
    error instanceof Error && (lostMessages.test(error.message) || lostCodes.test(codeOf(error)))
  );
}

/**
 * Converts a lost connection into a ConnectionFailure that says whether anything may have been
 * applied; returns every other error unchanged.
 */
export function withOutcome(error: unknown, { safe }: { safe: boolean }): unknown {
  if (error instanceof ConnectionFailure || !endsConnection(error) || isStalePlan(error)) {
    return error;
  }
  return new ConnectionFailure(error, { safe });
}

/**
 * Returns true when no connection could be opened or it was lost; further statements would fail
 * too.
 */
export function isWithoutConnection(error: unknown): boolean {
  const { kind } = databaseError(error);
  return kind === 'unavailable' || kind === 'overloaded';
}

// The driver's messages for a lost connection (pg 8.23) and the operating system's error codes.
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
