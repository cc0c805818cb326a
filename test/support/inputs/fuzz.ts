import type { OutgoingHttpHeaders } from 'node:http';
import fc from 'fast-check';
import { newId } from '../../../src/identity/ids.ts';
import {
  badBodies,
  badIds,
  badKinds,
  badNumbers,
  badQueries,
  badTexts,
  badTimes,
  injectedFields,
  oddHeaders,
} from './bad-input.ts';
import type { DescribedOperation } from '../clients/contract.ts';

/** The kinds of ids. The number of existing ids of each kind increases while requests are sent. */
export type Kind =
  | 'brand'
  | 'product'
  | 'campaign'
  | 'participation'
  | 'entry'
  | 'address'
  | 'user'
  | 'account'
  | 'webhook'
  /** The kind for a route whose id belongs to none of the kinds above: no such id exists. */
  | 'nothing';

/** Refers to an id that exists when the request is sent: the nth newest of its kind. */
export class Ref {
  readonly kind: Kind;
  readonly nth: number;

  constructor(kind: Kind, nth: number) {
    this.kind = kind;
    this.nth = nth;
  }

  toString(): string {
    return `${this.kind} ${this.nth}`;
  }
}

export const fuzzCallers = [
  'visitor',
  'buyer',
  'other',
  'seller',
  'rival',
  'operator',
  'service',
] as const;

/** A random request that follows the OpenAPI document. It does not depend on existing data. */
export interface Plan {
  readonly route: string;
  readonly method: string;
  readonly template: string;
  readonly caller: (typeof fuzzCallers)[number];
  readonly id: Ref | string;
  readonly query: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>> | string | Buffer | undefined;
}

interface Schema {
  readonly type?: string;
  readonly format?: string;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly anyOf?: readonly Schema[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
}

const hourMs = 3_600_000;
const startedAt = Date.now();

/** The kind of an id, by the name of the field that contains it. For a path see `pathKind`. */
const kindOfField: Readonly<Record<string, Kind>> = {
  brand_id: 'brand',
  product_id: 'product',
  user_id: 'user',
};

const kindOfPath: readonly (readonly [RegExp, Kind])[] = [
  [/\/brands\/\{id\}/, 'brand'],
  [/\/products\/\{id\}/, 'product'],
  [/\/participations\/\{id\}/, 'participation'],
  [/\/waiting\/\{id\}/, 'entry'],
  [/\/addresses\/\{id\}/, 'address'],
  [/\/operators\/\{id\}/, 'user'],
  [/\/receiving-accounts\/\{id\}/, 'account'],
  [/\/webhooks\/\{id\}/, 'webhook'],
  [/\/campaigns\/\{id\}/, 'campaign'],
];
const pathKind = (template: string): Kind =>
  kindOfPath.find(([shape]) => shape.test(template))?.[1] ?? 'nothing';

/**
 * Chooses one arbitrary by its weight. Without `depthSize`, deep choices would prefer the first
 * one.
 */
const chosen = <T>(...some: { weight: number; arbitrary: fc.Arbitrary<T> }[]) =>
  fc.oneof({ depthSize: 'max' }, ...some);

/** A value `times` times as often as null. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>, times: number) =>
  chosen<T | null>({ weight: 1, arbitrary: fc.constant(null) }, { weight: times, arbitrary });

const refTo = (kind: Kind) => fc.nat({ max: 15 }).map((nth) => new Ref(kind, nth));

/** A value that the schema allows. Realistic values are more frequent. */
function goodValue(name: string, schema: Schema): fc.Arbitrary<unknown> {
  const isNull = ({ type }: Schema) => type === 'null';
  if (schema.anyOf !== undefined) {
    const other = schema.anyOf.find((one) => !isNull(one)) ?? {};
    return maybe(goodValue(name, other), 3);
  }
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.format === 'uuid') return refTo(kindOfField[name] ?? 'user');
  if (schema.format === 'date-time') {
    return fc
      .integer({ min: -hourMs, max: 90 * 24 * hourMs })
      .map((after) => new Date(startedAt + after).toISOString());
  }
  if (schema.type === 'boolean') return fc.boolean();
  if (schema.type === 'integer') {
    const { minimum = 0, maximum = 1_000_000_000 } = schema;
    const usual = fc.integer({ min: minimum, max: Math.min(maximum, minimum + 12) });
    return chosen(
      { weight: 8, arbitrary: usual },
      { weight: 1, arbitrary: fc.integer({ min: minimum, max: maximum }) },
      { weight: 1, arbitrary: fc.constantFrom(minimum, maximum) },
    );
  }
  const { minLength = 0, maxLength = 100 } = schema;
  const usual = 'Jalan Kenanga 12, RT 03 RW 05, Bandung'.slice(0, maxLength);
  const typed = fc
    .string({ unit: 'grapheme', maxLength: Math.max(0, Math.min(maxLength - 12, 80)) })
    .map((text) => `Kenanga ${text}`.padEnd(minLength, '.').slice(0, maxLength));
  const odd = badTexts.filter(({ length }) => length >= minLength && length <= maxLength);
  return chosen(
    { weight: 2, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: typed },
    { weight: 1, arbitrary: fc.constantFrom(...odd) },
  );
}

function goodBody(schema: Schema): fc.Arbitrary<Record<string, unknown>> {
  const names = Object.keys(schema.properties ?? {});
  const required = new Set(schema.required ?? []);
  const fields = names.map((name) => {
    const value = goodValue(name, schema.properties![name]!).map((one) => [name, one] as const);
    return required.has(name) ? value : maybe(value, 1);
  });
  return fc
    .tuple(...fields)
    .map((entries) => Object.fromEntries(entries.filter((entry) => entry !== null)));
}

const anyBad = fc.constantFrom<unknown>(
  ...badTexts,
  ...badNumbers,
  ...badIds,
  ...badTimes,
  ...badKinds,
);

/** Changes that make one thing of a request wrong or unusual. */
function twistsOf(names: readonly string[]): fc.Arbitrary<(plan: Plan) => Plan> {
  const inBody = (change: (body: Record<string, unknown>) => object) => (plan: Plan) => {
    const isForm = typeof plan.body === 'object' && !Buffer.isBuffer(plan.body);
    return isForm ? { ...plan, body: change({ ...plan.body }) as Record<string, unknown> } : plan;
  };
  const field = names.length > 0 ? fc.constantFrom(...names) : fc.constant('name');
  return chosen(
    {
      weight: 8,
      arbitrary: fc
        .tuple(field, anyBad)
        .map(([name, value]) => inBody((body) => ({ ...body, [name]: value }))),
    },
    {
      weight: 1,
      arbitrary: field.map((name) =>
        inBody((body) => Object.fromEntries(Object.entries(body).filter(([key]) => key !== name))),
      ),
    },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom(...Object.entries(injectedFields))
        .map(([name, value]) => inBody((body) => ({ ...body, [name]: value }))),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom(...badBodies).map((body) => (plan: Plan) => ({ ...plan, body })),
    },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom(...badIds, ...badTexts.filter(({ length }) => length < 2_000))
        .map((id) => (plan: Plan) => ({ ...plan, id })),
    },
    {
      weight: 3,
      arbitrary: fc
        .constantFrom(...badQueries)
        .map((query) => (plan: Plan) => ({ ...plan, query: `?${query}` })),
    },
    {
      weight: 3,
      arbitrary: fc
        .constantFrom(...oddHeaders)
        .map((headers) => (plan: Plan) => ({ ...plan, headers: { ...plan.headers, ...headers } })),
    },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom('HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'POST')
        .map((method) => (plan: Plan) => ({ ...plan, method })),
    },
  );
}

/** Random requests of one operation. By the document, half of them are valid. */
function plansOf({ route, method, template, operation }: DescribedOperation): fc.Arbitrary<Plan> {
  const schema = operation.requestBody?.content['application/json']?.schema as Schema | undefined;
  const names = Object.keys(schema?.properties ?? {});
  const query = (operation.parameters ?? []).filter((one) => one.in === 'query');
  const base = fc.record({
    caller: fc.constantFrom(...fuzzCallers),
    id: refTo(pathKind(template)),
    query: fc
      .tuple(
        ...query.map(({ name, schema: of }) =>
          maybe(
            goodValue(name, of as Schema).map((value) => `${name}=${queryText(value)}`),
            1,
          ),
        ),
      )
      .map((parts) => parts.filter((part) => part !== null && !part.includes('cursor=')))
      .map((parts) => (parts.length > 0 ? `?${parts.join('&')}` : '')),
    body: schema === undefined ? fc.constant(undefined) : goodBody(schema),
  });
  const twist = maybe(twistsOf(names), 1);
  return fc.tuple(base, twist).map(([made, change]) => {
    const plan: Plan = { route, method, template, headers: {}, ...made };
    return change === null ? plan : change(plan);
  });
}

const queryText = (value: unknown) =>
  value instanceof Ref ? '00000000-0000-7000-8000-000000000000' : encodeURIComponent(safe(value));

/** Makes a text well-formed, because half of a surrogate pair cannot be encoded in a path. */
const safe = (value: unknown) => String(value).toWellFormed();

/** Requests that end something are rarer, so that enough open campaigns and accounts remain. */
const seldom = /^(DELETE .*\/me|POST .*\/(cancel|lifecycle\/run|scheduler\/trigger))$/;

/** Random requests of all operations in the document. */
export function anyRequest(operations: readonly DescribedOperation[]): fc.Arbitrary<Plan> {
  return chosen(
    ...operations.map((one) => ({
      weight: seldom.test(one.route) ? 1 : one.method === 'GET' ? 4 : 6,
      arbitrary: plansOf(one),
    })),
  );
}

/** The encoded path with its query, including the prefix of the API. */
export function pathOf({ template, query }: Plan, id: string): string {
  const path = template.replace(/\{\w+\}/, () => encodeURIComponent(safe(id)));
  // A second id in a path belongs to nobody and to nothing.
  return `${path.replaceAll(/\{\w+\}/g, newId())}${query}`;
}
