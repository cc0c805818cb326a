/** One join that was asked for, by a user of its own, and what its caller knows of it. */
export interface Operation {
  readonly userId: string;
  readonly campaignId: string;
  readonly key: string;
  /** `ok`: acknowledged; `fail`: refused, provably not applied; `unknown`: neither was heard. */
  outcome: 'ok' | 'fail' | 'unknown';
  /** Of the participation that was acknowledged. */
  participationId: string | null;
  /** Whether it was unknown first, and the same key settled it. */
  settled: boolean;
}

/** One participation as it is stored. */
export interface Found {
  readonly userId: string;
  readonly campaignId: string;
  readonly participationId: string;
}

export interface Findings {
  /** Acknowledged and not there, or there under another id. */
  readonly lost: readonly Operation[];
  /** There more than once. */
  readonly duplicated: readonly Operation[];
  /** There although their callers were told no. */
  readonly ghosts: readonly Operation[];
  /** Nobody asked for these. */
  readonly strangers: readonly Found[];
  /** Still unknown: the same key did not settle them. */
  readonly open: readonly Operation[];
}

/**
 * Holds what was heard against what is there, in one pass over each: every user asks once, so that
 * what is stored for a user is what became of that one request.
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
  const ghosts: Operation[] = [];
  const open: Operation[] = [];
  for (const operation of history) {
    const found = byUser.get(operation.userId) ?? [];
    byUser.delete(operation.userId);
    if (found.length > 1) duplicated.push(operation);
    if (operation.outcome === 'unknown') open.push(operation);
    if (operation.outcome === 'fail' && found.length > 0) ghosts.push(operation);
    const isThere = found.some(
      ({ participationId, campaignId }) =>
        participationId === operation.participationId && campaignId === operation.campaignId,
    );
    if (operation.outcome === 'ok' && !isThere) lost.push(operation);
  }
  return { lost, duplicated, ghosts, open, strangers: [...byUser.values()].flat() };
}
