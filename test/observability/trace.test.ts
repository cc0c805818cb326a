import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { openTrace } from '../../src/observability/otlp.ts';
import { traced } from '../../src/observability/trace.ts';
import { recordingLog } from '../support/server/log.ts';
import { directory } from '../support/server/service.ts';
import { serveCommand, startServiceProcess } from '../support/server/started.ts';
import { waitUntil } from '../support/server/until.ts';

interface WireSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: object }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status: { readonly code?: number };
}
interface Request {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly object[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}

/** The requests that a collector of OTLP over HTTP has received. */
const got: { path: string | undefined; headers: Record<string, unknown>; text: string }[] = [];
let status = 200;
const collector = createServer((request, response) => {
  let text = '';
  request.on('data', (chunk: Buffer) => (text += chunk.toString()));
  request.on('end', () => {
    got.push({ path: request.url, headers: request.headers, text });
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  });
});
collector.listen(0, '127.0.0.1');
after(() => collector.close());
await waitUntil(() => collector.listening);
const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
const spansOf = (some: typeof got) =>
  some
    .flatMap(({ text }) => (JSON.parse(text) as Request).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
const valueOf = ({ attributes }: WireSpan, name: string) =>
  Object.values(attributes.find(({ key }) => key === name)?.value ?? {})[0] as unknown;

const key = 'service-key-of-at-least-32-characters';
/** Writes to standard error which of our modules for tracing were loaded. */
const tellingLoads = [
  process.execPath,
  '--import',
  `data:text/javascript,import { registerHooks } from 'node:module'; registerHooks({ load(url, context, next) { if (/src\\/(observability\\/otlp|server\\/trace-requests)/.test(url)) console.error('LOADED ' + url); return next(url, context); } })`,
  ...serveCommand.slice(1),
];

test('a join is one trace: the request, its batch, and the statement in the database', async (t) => {
  const service = await startServiceProcess(t, {
    command: tellingLoads,
    cwd: '/',
    dataDir: directory(),
    variables: {
      SAMBATAN_SERVICE_KEY: key,
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=rahasia-kolektor',
      OTEL_SERVICE_NAME: 'toko',
    },
  });
  const backend = service.client(key);
  const brand = await backend.post('/brands', { name: 'Melati Wangi', owner_id: newId() });
  const product = await backend.post('/products', {
    brand_id: brand.body.id,
    name: 'Senja',
    base_price: 150_000,
    sambatan_enabled: true,
  });
  const campaign = await backend.post('/campaigns', {
    product_id: product.body.id,
    title: 'Senja batch pertama',
    total_slots: 10,
    price_per_slot: 100_000,
    deadline: new Date(Date.now() + 3_600_000).toISOString(),
    publish: true,
  });
  assert.equal(campaign.status, 201, campaign.text);
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  const parent = 'b7ad6b7169203331';
  const userId = newId();
  const words = { shipping_address: 'Jalan Kenanga 12, Bandung', note: 'titip di satpam' };
  const joined = await backend.post(
    `/campaigns/${campaign.body.id}/join`,
    { user_id: userId, quantity: 2, ...words },
    { traceparent: `00-${traceId}-${parent}-01` },
  );
  assert.equal(joined.status, 201, joined.text);
  const ofJoin = () => spansOf(got).filter((span) => span.traceId === traceId);
  await waitUntil(() => ofJoin().some(({ name }) => name.startsWith('POST ')));
  const requests = ofJoin().filter(({ name }) => name.startsWith('POST '));
  assert.deepEqual(
    [...new Set(requests.map((span) => `${span.name} ${span.parentSpanId}`))],
    [`POST /api/sambatan/campaigns/:id/join ${parent}`],
  );
  const request = requests.find((span) => valueOf(span, 'http.response.status_code') === 201)!;
  const batch = ofJoin().find(({ name }) => name === 'join batch')!;
  const statement = ofJoin().find(({ name }) => name === 'join_campaigns')!;
  assert.equal(batch.parentSpanId, request.spanId);
  assert.equal(statement.parentSpanId, batch.spanId);
  assert.equal(valueOf(batch, 'sambatan.batch.size'), 1);
  assert.equal(valueOf(statement, 'db.system.name'), 'postgresql');
  assert.ok(BigInt(statement.startTimeUnixNano) >= BigInt(request.startTimeUnixNano));
  assert.ok(BigInt(statement.endTimeUnixNano) <= BigInt(request.endTimeUnixNano));
  await waitUntil(() => spansOf(got).some(({ name }) => name === 'lifecycle run'));

  // If the caller has not sampled the trace, the service must not record spans either.
  const unsampled = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
  const path0 = `/campaigns/${campaign.body.id}`;
  await backend.get('/campaigns?q=pencarian');
  await backend.get(path0, { traceparent: `00-${unsampled}-${parent}-00` });
  const sampled = 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb';
  await backend.get(path0, { traceparent: `00-${sampled}-${parent}-03` });
  await waitUntil(() => spansOf(got).some((span) => span.traceId === sampled));
  assert.ok(!spansOf(got).some((span) => span.traceId === unsampled));

  const { path, headers, text } = got[0]!;
  assert.deepEqual([path, headers['x-key']], ['/v1/traces', 'rahasia-kolektor']);
  assert.match(text, /"service.name","value":\{"stringValue":"toko"\}/);
  const everything = got.map((one) => one.text).join('\n');
  for (const secret of ['Kenanga', 'satpam', userId, key, 'pencarian', campaign.body.id]) {
    assert.ok(!everything.includes(secret), secret);
  }
  assert.match(service.said(), /LOADED .*otlp/, 'the check that follows would see it');
});

test('without a collector no tracing code is loaded', async (t) => {
  const service = await startServiceProcess(t, {
    command: tellingLoads,
    cwd: '/',
    dataDir: directory(),
    variables: { SAMBATAN_SERVICE_KEY: key },
  });
  assert.equal((await service.client(key).get('/campaigns')).status, 200);
  assert.doesNotMatch(service.said(), /LOADED/);
});

const traceTo = (share = 1, log = recordingLog()) =>
  openTrace({ url, headers: {}, serviceName: 'x', share, log });

test('joins of one batch are linked to it, and an error is recorded by its kind only', async () => {
  const trace = traceTo();
  got.length = 0;
  const [one, other] = [trace.begin('one'), trace.begin('other')];
  const refused = traced(trace, 'batch', { parent: one, links: [other] }, async () => {
    throw new TypeError('Jalan Kenanga 12');
  });
  await assert.rejects(refused);
  await trace.close();
  const [batch] = spansOf(got);
  assert.deepEqual(batch!.links, [{ traceId: other.traceId, spanId: other.spanId }]);
  assert.deepEqual([batch!.traceId, batch!.parentSpanId], [one.traceId, one.spanId]);
  assert.deepEqual([batch!.status.code, valueOf(batch!, 'error.type')], [2, 'TypeError']);
  assert.ok(!got.some(({ text }) => text.includes('Kenanga')));
});

test('sampled traces are kept completely or not at all', async () => {
  const trace = traceTo(0.5);
  got.length = 0;
  for (let n = 0; n < 400; n++) {
    const span = trace.begin('outer');
    trace.within(span, () => trace.begin('inner').end());
    span.end();
  }
  await trace.close();
  const spans = spansOf(got);
  const traces = Map.groupBy(spans, ({ traceId }) => traceId);
  assert.ok(traces.size > 100 && traces.size < 300, `${traces.size}`);
  assert.ok([...traces.values()].every(({ length }) => length === 2));
});

test('an unreachable collector blocks nobody: its spans are dropped and counted', async () => {
  const log = recordingLog();
  const trace = traceTo(1, log);
  status = 503;
  got.length = 0;
  for (let n = 0; n < 10_000; n++) trace.begin('span').end();
  await trace.close();
  status = 200;
  assert.ok(spansOf(got).length <= 4_096 + 512, `${spansOf(got).length} were kept`);
  trace.begin('after it was closed').end();
});
