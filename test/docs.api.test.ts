import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { httpService, serviceKey } from './rig/http-service.ts';

const service = await httpService();
const directory = mkdtempSync(join(tmpdir(), 'sambatan-docs-'));
after(async () => {
  await service.close();
  rmSync(directory, { recursive: true, force: true });
});

const guide = readFileSync(new URL('../docs/api.md', import.meta.url), 'utf8');
const blocks = [...guide.matchAll(/^```sh run\n(.*?)^```$/gms)].map(([, block]) => block!);

test('the tour of docs/api.md runs as it stands, and leads to a completed and paid campaign', async () => {
  assert.equal(blocks.length, 5);
  mkdirSync(join(directory, 'data'));
  writeFileSync(join(directory, 'data', 'service-key'), serviceKey);
  const ending = 'echo "CAMPAIGN $CAMPAIGN"\n';
  const script = `set -euo pipefail\n${blocks.join('')}${ending}`;
  const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', script], {
    cwd: directory,
    env: { PATH: process.env['PATH'], API: `${service.url}/api/sambatan` },
    timeout: 60_000,
  });
  const [, campaignId] = /^CAMPAIGN (\S+)$/m.exec(stdout) ?? [];
  const campaign = await service.visitor.get(`/campaigns/${campaignId}`);
  assert.partialDeepStrictEqual(campaign.body, { status: 'completed', participant_count: 1 });
  const books = await service.service.get(`/campaigns/${campaignId}/books`);
  // 585,000 less three in a hundred has left for the seller.
  assert.partialDeepStrictEqual(books.body, { fee: 17_550, payouts_settled: 567_450 });
  const payouts = await service.service.get('/payouts');
  assert.deepEqual(payouts.body.items, []);
});
