/** One join with the result that its client knows. Every join has another user. */
export interface Operation {
  readonly userId: string;
  readonly campaignId: string;
  readonly key: string;
  /**
   * `ok`: the join was acknowledged. `fail`: it was refused, so it must not be stored. `unknown`:
   * the client does not know whether it was stored.
   */
  outcome: 'ok' | 'fail' | 'unknown';
  /** The id of the participation, if the join was acknowledged. */
  participationId: string | null;
  /**
   * Whether the outcome was unknown at first, so that the join was sent again with the same key.
   */
  settled: boolean;
}

/** One participation that is stored in the database. */
export interface Found {
  readonly userId: string;
  readonly campaignId: string;
  readonly participationId: string;
}

export interface Findings {
  /** Acknowledged joins that are not stored, or are stored with another id. */
  readonly lost: readonly Operation[];
  /** Joins that are stored more than once. */
  readonly duplicated: readonly Operation[];
  /** Joins that are stored although they were refused. */
  readonly refusedButStored: readonly Operation[];
  /** Stored participations that no client has requested. */
  readonly unexpected: readonly Found[];
  /** Joins whose outcome is still unknown, although they were sent again with the same key. */
  readonly open: readonly Operation[];
}

/**
 * Compares the answers with the stored rows. Every user joins once, so each row of a user belongs
 * to that one request.
 */
export function examine(history: readonly Operation[], stored: readonly Found[]): Findings {
  const byUser = new Map<string, Found[]>();
  for (const found of stored) {
    const known = byUser.get(found.userId);
    if (known === undefined) byUser.set(found.userId, [found]);
    else known.push(found);
  }
  const lost: Operation[] = [];
  const duplicated: Operation[] = [];
  const refusedButStored: Operation[] = [];
  const open: Operation[] = [];
  for (const operation of history) {
    const found = byUser.get(operation.userId) ?? [];
    byUser.delete(operation.userId);
    if (found.length > 1) duplicated.push(operation);
    if (operation.outcome === 'unknown') open.push(operation);
    if (operation.outcome === 'fail' && found.length > 0) refusedButStored.push(operation);
    const isThere = found.some(
      ({ participationId, campaignId }) =>
        participationId === operation.participationId && campaignId === operation.campaignId,
    );
    if (operation.outcome === 'ok' && !isThere) lost.push(operation);
  }
  return {
    lost,
    duplicated,
    refusedButStored,
    open,
    unexpected: [...byUser.values()].flat(),
  };
}
