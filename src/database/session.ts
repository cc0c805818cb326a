/**
 * Time-outs in milliseconds. A time-out of the client is longer than the time-out of the server
 * that it contains.
 */
export const limits = {
  connectMilliseconds: 2_000,
  /** A network connection that was idle for longer than this is tested before use. */
  idleTrustMilliseconds: 5_000,
  probeMilliseconds: 1_000,
  lockMilliseconds: 1_500,
  statementMilliseconds: 15_000,
  idleInTransactionMilliseconds: 10_000,
  /**
   * The client stops waiting later than the server would stop the statement, and then destroys the
   * connection.
   */
  answerMilliseconds: 17_000,
  closeMilliseconds: 5_000,
} as const;

/**
 * Returns SQL that sets the session's settings. With `local` they apply to one transaction. This is
 * needed behind a transaction pooler: there the next transaction may use another server connection,
 * and the pooler may refuse start-up options.
 */
export function sessionSettings({ local }: { local: boolean }): string {
  const settings: Record<string, string | number> = {
    timezone: 'UTC',
    datestyle: 'ISO',
    lock_timeout: limits.lockMilliseconds,
    statement_timeout: limits.statementMilliseconds,
    idle_in_transaction_session_timeout: limits.idleInTransactionMilliseconds,
    // No JIT compilation: for short statements it costs more than it saves.
    jit: 'off',
  };
  if (!local) {
    // Let the server notice a network that was cut, so that locks are released after about ten
    // seconds.
    Object.assign(settings, {
      tcp_user_timeout: 10_000,
      tcp_keepalives_idle: 5,
      tcp_keepalives_interval: 2,
      tcp_keepalives_count: 3,
    });
  }
  return Object.entries(settings)
    .map(([name, value]) => `set ${local ? 'local ' : ''}${name} = '${value}'`)
    .join('; ');
}

/**
 * Returns true when the URL points to a transaction pooler. Supabase's pooler listens on port 6543;
 * `pgbouncer=true` marks any other.
 */
export function isTransactionPooler(url: string): boolean {
  const { port, searchParams } = new URL(url);
  return port === '6543' || searchParams.get('pgbouncer') === 'true';
}

/**
 * Converts a URL for the driver. The driver treats `sslmode=require` as verify-full, which fails
 * for certificates that Supabase's own authority has issued. This function makes it mean the same
 * as in libpq. To verify the server, use `sslmode=verify-full` with `sslrootcert`.
 */
export function driverUrl(url: string): string {
  const parsed = new URL(url);
  const { searchParams } = parsed;
  searchParams.delete('pgbouncer');
  if (searchParams.has('sslmode') && !searchParams.has('uselibpqcompat')) {
    searchParams.set('uselibpqcompat', 'true');
  }
  return parsed.toString();
}
