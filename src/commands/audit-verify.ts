import { accessLogsAfter, verifyAccess } from '../accounts/access-queries.ts';
import { campaignIdsAfter, verifyAudit } from '../audit/queries.ts';
import { findCampaign } from '../campaigns/operations.ts';
import { loadConfig } from '../config.ts';
import { openDatabase } from '../database/pool.ts';
import type { Queryable } from '../database/query.ts';
import { isId } from '../identity/ids.ts';
import { exitCodes, WrongUse, type Command } from './command.ts';
import { showProgress } from './progress.ts';
import { withDatabase } from './service.ts';

/** `sambatan audit verify`: walks the audit chains and names the first broken row of each. */
export const auditVerify: Command = {
  usage: `
Usage: sambatan audit verify [--campaign <id>]

Recomputes the SHA-256 chain of every campaign's audit log and compares its last row with the head
that the campaign keeps; then the access log of every account in the same way. Exit code 1 when a
chain is broken; its first broken row is named. With --campaign: that campaign's chain alone.
`,
  options: { campaign: { type: 'string' } },
  async run({ campaign }) {
    if (campaign !== undefined && (typeof campaign !== 'string' || !isId(campaign))) {
      throw new WrongUse(`${campaign} is no id`);
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
  const progress = showProgress('audit chains verified', undefined);
  let verified = 0;
  let broken = 0;
  for await (const id of campaignId === undefined ? allCampaigns(db) : [campaignId]) {
    for (const row of await db.rows(verifyAudit, id)) {
      broken++;
      process.stdout.write(`BROKEN campaign ${row.campaign_id} row ${row.seq}: ${row.problem}\n`);
    }
    progress.at(++verified);
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
  process.stdout.write(`${verified} audit chains verified, ${broken} broken\n`);
  return broken === 0 ? exitCodes.done : exitCodes.found;
}

const pageSize = 1_000;

async function* allCampaigns(db: Queryable): AsyncGenerator<string, void, void> {
  let after: string | null = null;
  for (;;) {
    const page: { campaign_id: string }[] = await db.rows(campaignIdsAfter, after, pageSize);
    for (const { campaign_id } of page) yield campaign_id;
    if (page.length < pageSize) return;
    after = page.at(-1)!.campaign_id;
  }
}

async function* allAccessLogs(db: Queryable): AsyncGenerator<string[], void, void> {
  let after: string | null = null;
  for (;;) {
    const page: { user_id: string }[] = await db.rows(accessLogsAfter, after, pageSize);
    if (page.length > 0) yield page.map(({ user_id }) => user_id);
    if (page.length < pageSize) return;
    after = page.at(-1)!.user_id;
  }
}
