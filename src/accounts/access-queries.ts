import { query } from '../database/query.ts';
import type { AccessEvent, AccessMethod } from './access.ts';

export const recordAccess = query<
  [userId: string, event: AccessEvent, method: AccessMethod | '', browser: string],
  never
>('record_access', 'select from sambatan.record_access($1, $2, $3, $4)', { writes: true });

export interface AccessRow {
  readonly seq: bigint;
  readonly occurred_at: Date;
  readonly event: string;
  readonly method: string;
  readonly browser: string;
}

export const recentAccess = query<[userId: string, most: number], AccessRow>(
  'recent_access',
  `select seq, occurred_at, event, method, browser from sambatan_auth.access_log
  where user_id = $1 order by seq desc limit $2`,
);

/** Query that deletes expired rows of the access logs of at most `people` people. */
export const forgetOldAccess = query<[people: number], { readonly gone: bigint }>(
  'delete_old_access',
  'select sambatan.delete_old_access($1) as gone',
  { writes: true },
);

/**
 * Query that verifies access logs. For each person whose hash chain is broken, it returns the first
 * broken row.
 */
export const verifyAccess = query<
  [userIds: readonly string[] | null],
  { readonly user_id: string; readonly seq: bigint; readonly problem: string }
>('verify_access', 'select user_id, seq, problem from sambatan.verify_access($1)');

/** Query for the ids of people with an access log, in ascending order. */
export const accessLogsAfter = query<
  [after: string | null, most: number],
  { readonly user_id: string }
>(
  'access_logs_after',
  `select user_id from sambatan_auth.access_heads
  where user_id > coalesce($1, '00000000-0000-0000-0000-000000000000'::uuid)
  order by user_id limit $2`,
);
