/** Time-outs in milliseconds. Each outer limit is longer than the inner one. */
export const limits = {
  connectMilliseconds: 2_000,
  /** A network connection that was idle for longer than this is probed before use. */
  idleTrustMilliseconds: 5_000,
  probeMilliseconds: 1_000,
  lockMilliseconds: 1_500,
  statementMilliseconds: 15_000,
  idleInTransactionMilliseconds: 10_000,
  /** The client gives up after the server would have, and destroys the connection. */
  answerMilliseconds: 17_000,
  closeMilliseconds: 5_000,
} as const;

/**
 * Returns the session settings as SQL. `local` sets them for one transaction: behind a transaction
 * pooler the next transaction may use another server connection, and start-up options may be
 * refused.
 */
export function sessionSettings({ local }: { local: boolean }): string {
  const settings: Record<string, string | number> = {
    timezone: 'UTC',
    datestyle: 'ISO',
    lock_timeout: limits.lockMilliseconds,
    statement_timeout: limits.statementMilliseconds,
    idle_in_transaction_session_timeout: limits.idleInTransactionMilliseconds,
    // Statements here are short; JIT compilation costs more than it saves.
    jit: 'off',
  };
  if (!local) {
    // Detects a cut network on the server's side: locks are released after about ten seconds.
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

/** Supabase's transaction pooler listens on 6543; `pgbouncer=true` marks any other one. */
export function isTransactionPooler(url: string): boolean {
  const { port, searchParams } = new URL(url);
  return port === '6543' || searchParams.get('pgbouncer') === 'true';
}

/**
 * Converts the URL for the driver. The driver reads `sslmode=require` as verify-full, which fails
 * for certificates of Supabase's own authority; this function restores the meaning of libpq. To
 * verify the server, use `sslmode=verify-full` with `sslrootcert`.
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
