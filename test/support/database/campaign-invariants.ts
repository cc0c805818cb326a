import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestDatabase } from './database.ts';
import { queryRows } from '../builders/market.ts';

const directory = join(import.meta.dirname, '../../../sql/invariants');
/**
 * The queries that check the invariants of a campaign. The audit logs are verified later, when
 * the test databases are closed.
 */
const invariants = readdirSync(directory)
  .filter((file) => !/audit_log|access_log/.test(file))
  .map((file) => readFileSync(join(directory, file), 'utf8').trim().replace(/;$/, ''));

/** Checks that one campaign violates none of the invariants. */
export async function expectInvariants(db: TestDatabase['db'], campaignId: string): Promise<void> {
  for (const text of invariants) {
    const broken = await queryRows(
      db,
      `select * from (${text}) i where campaign_id = $1`,
      campaignId,
    );
    assert.deepEqual(broken, []);
  }
}
