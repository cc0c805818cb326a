/** The kinds of database failures that callers handle differently. */
export type DatabaseFailure =
  /** An SQL function refused because of a domain rule: it raised the error code SB000. */
  | { readonly kind: 'refusal'; readonly code: string; readonly params: Record<string, unknown> }
  /**
   * The server is unreachable. `safe` means that it is certain that nothing was changed, so the
   * operation may be repeated.
   */
  | { readonly kind: 'unavailable'; readonly safe: boolean }
  /** No connection of the pool became free in time; nothing was changed. */
  | { readonly kind: 'overloaded' }
  /** A lock, a deadlock, a serialization failure or a time-out; nothing was changed. */
  | { readonly kind: 'busy'; readonly sqlState: string }
  /** A constraint of the database schema was violated; nothing was changed. */
  | { readonly kind: 'constraint'; readonly constraint: string; readonly sqlState: string }
  /** Any other error: a bug in this code or in the server. */
  | { readonly kind: 'unknown' };

/**
 * Error: the connection could not be opened, or it was lost. `safe` means that it is certain that
 * nothing was changed, because the statement, or the COMMIT of the transaction, was not sent.
 */
export class ConnectionFailure extends Error {
  readonly safe: boolean;
  /** True when all connections of the pool were in use. The server itself may have no problem. */
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
 * Error: the server answered COMMIT with ROLLBACK, because a statement had failed and the code of
 * the transaction ignored the error. Nothing was changed.
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
  /**
   * The name of the PostgreSQL function in C that raised the error. Unlike the message, it is not
   * translated.
   */
  readonly routine?: string;
}

/** Returns the kind of any error that the functions of this folder throw. Never throws. */
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
  // After these errors, the statement had no effect and the connection can still be used. Errors
  // that end the connection were converted into a ConnectionFailure before.
  if (isUnavailableState(sqlState) || couldNotStore(error) || isStalePlan(error)) {
    return { kind: 'unavailable', safe: true };
  }
  return { kind: 'unknown' };
}

/**
 * Lock not available, serialization failure, deadlock, statement cancelled (for example by a
 * time-out).
 */
const busyStates = new Set(['55P03', '40001', '40P01', '57014']);

/**
 * Returns true for error codes that mean that the server is unreachable or refuses to execute
 * statements. The codes are in appendix A of the PostgreSQL manual.
 */
function isUnavailableState(sqlState: string): boolean {
  // 08 connection, 53 resources, 57P0x shutdown and start, 58 system, 25006 read-only standby,
  // 25P03 and 25P04 time-outs that end the session.
  return /^(08|53|58|57P0)/.test(sqlState) || ['25006', '25P03', '25P04'].includes(sqlState);
}

/**
 * Returns true when the server could not make a file longer because of a quota or a process limit.
 * PostgreSQL has an error code for a full disk (53100) but reports these cases as internal errors.
 * The name of the C function identifies these cases. The message cannot be used, because it may be
 * translated.
 */
function couldNotStore({ code, routine = '' }: ServerError): boolean {
  return code === 'XX000' && /^(md(zero)?extend|mdwritev?|FileWrite|BufFileDump)/.test(routine);
}

/**
 * Returns true when PostgreSQL refused a prepared statement before running it. Either the
 * connection no longer has the prepared statement, or a migration has changed the type of the
 * result. On a new connection, the statement is prepared again.
 */
export function isStalePlan(error: unknown): boolean {
  if (!isServerError(error)) return false;
  if (error.code === '26000' || error.code === '42P05') return true;
  return error.code === '0A000' && error.message.includes('cached plan');
}

/** Returns true when the connection that raised this error must not be used again. */
export function endsConnection(error: unknown): boolean {
  if (isServerError(error)) {
    const isFatal = error.severity === 'FATAL' || error.severity === 'PANIC';
    return isFatal || lostStates.test(error.code) || isStalePlan(error);
  }
  return (
    error instanceof Error && (lostMessages.test(error.message) || lostCodes.test(codeOf(error)))
  );
}

/**
 * Converts the error of a lost connection into a ConnectionFailure. `safe` is true if it is certain
 * that nothing was changed. Returns every other error unchanged.
 */
export function withOutcome(error: unknown, { safe }: { safe: boolean }): unknown {
  if (error instanceof ConnectionFailure || !endsConnection(error) || isStalePlan(error)) {
    return error;
  }
  return new ConnectionFailure(error, { safe });
}

/**
 * Returns true when no connection could be opened, or the connection was lost. Further statements
 * would fail too.
 */
export function isWithoutConnection(error: unknown): boolean {
  const { kind } = databaseError(error);
  return kind === 'unavailable' || kind === 'overloaded';
}

// Error codes that end the session: 08 connection, 57P0x shutdown, 25P03 and 25P04 time-outs. The
// server may have committed before it sent one of them. The severity alone is not enough: the server
// translates it, and connection poolers report a lost server with the severity ERROR.
const lostStates = /^(08|57P0|25P03|25P04)/;

// These patterns recognise the errors of a lost connection: messages of the driver (pg 8.23) and
// error codes of the operating system.
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
