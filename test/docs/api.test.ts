import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { Compile } from 'typebox/compile';
import { startHttpService, serviceKey } from '../support/server/http-service.ts';

const service = await startHttpService();
const directory = mkdtempSync(join(tmpdir(), 'sambatan-docs-'));
after(async () => {
  await service.close();
  rmSync(directory, { recursive: true, force: true });
});

const guide = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8');
const blocks = [...guide.matchAll(/^```sh run\n(.*?)^```$/gms)].map(([, block]) => block!);

/** A command from a guide. Its placeholders were replaced by ids. */
interface Shown {
  readonly text: string;
  readonly method: string;
  readonly path: string;
  readonly body: string | undefined;
}

/** Guides that contain requests or mention pages. */
const guides = [
  'api.md',
  'webhooks.md',
  'operator.md',
  'penjual.md',
  'en/operator.md',
  'en/seller.md',
  'payments-midtrans.md',
  'notifications.md',
  'runbook.md',
  'operations.md',
  'supabase.md',
] as const;

const someId = '01a20b4c-835b-749c-a5c2-11fb97bff150';

/** Every request to the API in the shell examples of a guide. */
function shownIn(name: string): Shown[] {
  const text = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
  const shell = [...text.matchAll(/^```sh(?: run)?\n(.*?)^```$/gms)].map(([, block]) => block!);
  // Puts each command on one line, without comments. A body in quotes may have several lines.
  const plain = shell
    .join('')
    .replaceAll(/ +# .*$/gm, '')
    .replaceAll('\\\n', '');
  const lines = plain.replaceAll(/'[^']*'/g, (one) => one.replaceAll('\n', ' '));
  return lines.split('\n').flatMap((line) => {
    const command = /(?:\b(?:call|me)|\bcurl) .*/.exec(line)?.[0];
    const [, address] = /\$API(\/[^\s"')]*)/.exec(command ?? '') ?? [];
    if (command === undefined || address === undefined) return [];
    const given = / -X +(\w+)/.exec(command)?.[1];
    const sends = / (?:-d|-F|--data-binary) /.test(command);
    const body = / -d '(.*?)'(?:\s|$|\)| \|)/.exec(command)?.[1];
    return {
      text: command,
      method: given ?? (sends ? 'POST' : 'GET'),
      path: `/api/sambatan${address.replaceAll(/\$\w+/g, someId)}`,
      body: body?.replaceAll(/'"?\$\w+"?'|…/g, someId),
    };
  });
}

test('every request in the guides is valid for the service', () => {
  const all = guides.flatMap(shownIn);
  const bodies = all.filter(({ body }) => body !== undefined);
  assert.ok(all.length >= 90 && bodies.length >= 35, `${all.length}, ${bodies.length}`);
  for (const { text, method, path, body } of all) {
    const found = service.contract.operationFor(method, path);
    assert.ok(found, `${method} ${path} is no route: ${text}`);
    const { parameters = [], requestBody } = found.operation;
    const fields = parameters.filter((one) => one.in === 'query').map((one) => one.name);
    for (const name of new URL(path, service.url).searchParams.keys()) {
      assert.ok(fields.includes(name), `${name} is no field of ${text}`);
    }
    const schema = requestBody?.content['application/json']?.schema;
    if (body === undefined) continue;
    assert.ok(schema, `${text} takes no body`);
    const validator = Compile(schema);
    const sent: unknown = JSON.parse(body);
    assert.ok(validator.Check(sent), `${text}: ${JSON.stringify(validator.Errors(sent))}`);
  }
});

test('every page that the guides mention exists', () => {
  const shapes = service.routes
    .filter((route) => route.startsWith('GET ') && !route.includes('/api/'))
    .map((route) => new RegExp(`^${route.slice(4).replaceAll(/:\w+/g, '[^/]+')}$`));
  let named = 0;
  for (const name of guides) {
    const text = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');
    const pages = /`((?:\/en)?\/(?:operator|toko|akun|ikutan|masuk|sambatan|outbox)[^`\s]*)`/g;
    for (const [, page] of text.matchAll(pages)) {
      const [path = ''] = page!.split(/[?#]/);
      named++;
      const isThere = shapes.some((shape) => shape.test(path));
      assert.ok(isThere, `${page} of docs/${name} is no page`);
    }
  }
  assert.ok(named >= 40, `${named}`);
});

test('the tour of docs/api.md runs as written and ends with a completed and paid campaign', async () => {
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
  // The seller was sent 585,000 rupiah minus the fee of three percent.
  assert.partialDeepStrictEqual(books.body, { fee: 17_550, payouts_settled: 567_450 });
  const payouts = await service.service.get('/payouts');
  assert.deepEqual(payouts.body.items, []);
});
