import { accessLogsAfter, verifyAccess } from '../accounts/access-queries.ts';
import { campaignIdsAfter, verifyAudit, verifyLogTrees } from '../audit/queries.ts';
import { findCampaign } from '../campaigns/operations.ts';
import { loadConfig } from '../config/config.ts';
import { openDatabase } from '../database/pool.ts';
import type { Queryable } from '../database/query.ts';
import { isId } from '../identity/ids.ts';
import { findKeys } from '../public-log/keys.ts';
import { wrongSignatures } from '../public-log/stored-log.ts';
import { exitCodes, UsageError, type Command } from './command.ts';
import { showProgress } from './progress.ts';
import { withDatabase } from './database.ts';

/**
 * `sambatan audit verify`: checks the rows, the tree and the checkpoints of each audit log, and
 * reports the first contradiction in each.
 */
export const auditVerify: Command = {
  usage: `
Usage: sambatan audit verify [--campaign <id>]

Recomputes the hashes of every campaign's audit log and the tree over them, compares the tree with
every checkpoint of the public log, and verifies the signatures; then checks the chain of the access
log of every account. Prints the first broken row of each broken log; then the exit code is 1. With
--campaign: only that campaign's log.
`,
  options: { campaign: { type: 'string' } },
  async run({ campaign }) {
    if (campaign !== undefined && (typeof campaign !== 'string' || !isId(campaign))) {
      throw new UsageError(`${campaign} is no id`);
    }
    return await withDatabase(loadConfig(), async (url, log) => {
      const db = openDatabase({ url, log, maxConnections: 1 });
      try {
        return await verify(db, campaign);
      } finally {
        await db.close();
      }
    });
  },
};

async function verify(db: Queryable, campaignId: string | undefined): Promise<number> {
  if (campaignId !== undefined && (await findCampaign(db, campaignId)) === undefined) {
    throw new Error(`there is no campaign ${campaignId}`);
  }
  const progress = showProgress('audit logs verified', undefined);
  const keys = await findKeys(db);
  let verified = 0;
  let broken = 0;
  for await (const ids of campaignId === undefined ? allCampaigns(db) : [[campaignId]]) {
    for (const id of ids) {
      const rows = [
        ...(await db.rows(verifyAudit, id)),
        ...(await db.rows(verifyLogTrees, id)),
        ...(await wrongSignatures(db, id, keys)),
      ];
      for (const row of rows) {
        process.stdout.write(`BROKEN campaign ${row.campaign_id} row ${row.seq}: ${row.problem}\n`);
      }
      if (rows.length > 0) broken++;
      progress.at(++verified);
    }
  }
  for await (const userIds of campaignId === undefined ? allAccessLogs(db) : []) {
    for (const row of await db.rows(verifyAccess, userIds)) {
      broken++;
      process.stdout.write(`BROKEN access log ${row.user_id} row ${row.seq}: ${row.problem}\n`);
    }
    verified += userIds.length;
    progress.at(verified);
  }
  progress.end();
  process.stdout.write(`${verified} audit logs verified, ${broken} broken\n`);
  return broken === 0 ? exitCodes.done : exitCodes.found;
}

const pageSize = 1_000;

/** Yields the ids of all campaigns, page by page. */
function allCampaigns(db: Queryable) {
  return pages(async (after) =>
    (await db.rows(campaignIdsAfter, after, pageSize)).map(({ campaign_id }) => campaign_id),
  );
}

/** Yields the ids of all people with an access log, page by page. */
function allAccessLogs(db: Queryable) {
  return pages(async (after) =>
    (await db.rows(accessLogsAfter, after, pageSize)).map(({ user_id }) => user_id),
  );
}

async function* pages(
  idsAfter: (after: string | null) => Promise<string[]>,
): AsyncGenerator<string[], void, void> {
  let after: string | null = null;
  for (;;) {
    const ids: string[] = await idsAfter(after);
    if (ids.length > 0) yield ids;
    if (ids.length < pageSize) return;
    after = ids.at(-1)!;
  }
}
