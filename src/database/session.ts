/**
 * Time-outs in milliseconds. The time-outs of the client are longer than those of the server, so
 * that normally the server ends a statement first.
 */
export const limits = {
  connectMilliseconds: 2_000,
  /** A network connection that was idle for longer than this time is tested before it is used. */
  idleTrustMilliseconds: 5_000,
  probeMilliseconds: 1_000,
  lockMilliseconds: 1_500,
  statementMilliseconds: 15_000,
  idleInTransactionMilliseconds: 10_000,
  /**
   * After this time, the client stops waiting for an answer and destroys the connection. The server
   * would have stopped the statement before.
   */
  answerMilliseconds: 17_000,
  closeMilliseconds: 5_000,
} as const;

/**
 * Returns SQL that sets the session's settings. With `local` they apply to one transaction. This is
 * needed with a transaction pooler, because the next transaction may use another server connection,
 * and because the pooler may refuse start-up options.
 */
export function sessionSettings({ local }: { local: boolean }): string {
  const settings: Record<string, string | number> = {
    timezone: 'UTC',
    datestyle: 'ISO',
    lock_timeout: limits.lockMilliseconds,
    statement_timeout: limits.statementMilliseconds,
    idle_in_transaction_session_timeout: limits.idleInTransactionMilliseconds,
    // Use no JIT compilation. For short statements, the compilation takes more time than it saves.
    jit: 'off',
  };
  if (!local) {
    // With these settings, the server notices an interrupted network. It then releases the locks of
    // the connection after about ten seconds.
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
 * Returns true when the URL points to a transaction pooler. Supabase's pooler listens on port 6543.
 * The parameter `pgbouncer=true` marks any other pooler.
 */
export function isTransactionPooler(url: string): boolean {
  const { port, searchParams } = new URL(url);
  return port === '6543' || searchParams.get('pgbouncer') === 'true';
}

/**
 * Converts a URL for the driver. The driver treats `sslmode=require` as verify-full, which fails
 * for certificates that Supabase's own authority has issued. This function gives `sslmode=require`
 * the same meaning as in libpq. To verify the server, use `sslmode=verify-full` with `sslrootcert`.
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
