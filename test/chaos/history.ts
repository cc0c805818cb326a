/** One join by its own user, and the result that its client knows. */
export interface Operation {
  readonly userId: string;
  readonly campaignId: string;
  readonly key: string;
  /** `ok`: acknowledged; `fail`: refused, provably not applied; `unknown`: no answer. */
  outcome: 'ok' | 'fail' | 'unknown';
  /** Id of the acknowledged participation. */
  participationId: string | null;
  /** True if the outcome was unknown first and the same key resolved it. */
  settled: boolean;
}

/** One stored participation. */
export interface Found {
  readonly userId: string;
  readonly campaignId: string;
  readonly participationId: string;
}

export interface Findings {
  /** Acknowledged, but missing or stored with another id. */
  readonly lost: readonly Operation[];
  /** Stored more than once. */
  readonly duplicated: readonly Operation[];
  /** Stored although the join was refused. */
  readonly refusedButStored: readonly Operation[];
  /** Stored without a join. */
  readonly unexpected: readonly Found[];
  /** Still unknown: the same key did not resolve them. */
  readonly open: readonly Operation[];
}

/**
 * Compares answers with stored rows in one pass each. Every user joins once, so the rows of a user
 * belong to that single request.
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
