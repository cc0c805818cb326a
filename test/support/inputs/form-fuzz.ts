import type { OutgoingHttpHeaders } from 'node:http';
import fc from 'fast-check';
import { newId } from '../../../src/identity/ids.ts';
import { badBodies, badIds, badTexts, injectedFields, oddHeaders } from './bad-input.ts';

export const formCallers = ['visitor', 'buyer', 'seller', 'rival', 'operator'] as const;

/** One random submission of a form. */
export interface FormPlan {
  readonly route: string;
  readonly language: '' | '/en';
  readonly caller: (typeof formCallers)[number];
  /** An invalid id for the path; null: an existing id is used. */
  readonly id: string | null;
  readonly query: string;
  readonly headers: OutgoingHttpHeaders;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly encoding: 'urlencoded' | 'multipart' | 'raw';
  readonly file: Buffer | null;
  readonly raw: string | Buffer;
}

/** Redirect targets that an attacker would try. */
const backs = [
  '/😀',
  '/ikutan?q=café',
  '//evil.example/',
  String.raw`/\evil.example`,
  'https://evil.example/',
  'javascript:alert(1)',
  '/\r\nset-cookie: x=1',
  '/%0d%0aset-cookie:%20x=1',
  '/%',
  '/%ff%fe',
  '/\ud800',
  '/?',
  '#',
  '/\t/evil.example',
  `/${'x'.repeat(5_000)}`,
  '/../../',
  '/\u202e',
];

const hosts = [
  'a'.repeat(253),
  'a'.repeat(2_800),
  'evil.example',
  'evil.example:99999',
  '😀.example',
  '[::1]',
  '[',
  '..',
  'localhost:',
  'a b',
  '"><script>alert(1)</script>',
];

/** Bodies that `encodeURIComponent` never produces. A decoder must not fail on them. */
const rawForms = [
  'a=%',
  'a=%zz&%=b',
  'note=%ff%fe&quantity=%c0%af',
  '=&=&=',
  '&&&&',
  'quantity=1;quantity=2',
  'quantity[]=1&quantity[$gt]=1',
  `${'a=1&'.repeat(5_000)}`,
  '__proto__=1&constructor=2&__proto__[x]=3',
  '\0=\0',
  '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--',
  '--x\r\nContent-Disposition: form-data\r\n\r\n1',
  '--x\r\nContent-Disposition: form-data; name="picture"; filename="../../x\0.jpg"\r\n\r\n\r\n--x--\r\n',
];

const files = [
  Buffer.alloc(0),
  Buffer.from('%PDF-1.7'),
  Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 1, 2, 3]),
  Buffer.from('\x89PNG\r\n\x1a\n'),
  Buffer.from('tanggal;jumlah\n01/01/2027;1.000,00\n'),
  Buffer.from('<svg onload="alert(1)"/>'),
  Buffer.from([0xff, 0xfe, 0x00]),
];

const names = [
  'name',
  'quantity',
  'note',
  'shipping_address',
  'email',
  'code',
  'reason',
  'key',
  'title',
  'participation_id',
  'lines',
  'account',
];

const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...badTexts) },
  { weight: 1, arbitrary: fc.constantFrom(...badIds) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
  { weight: 1, arbitrary: fc.constantFrom('1', '0', '-1', '1.000', '2027-01-01T10:00', newId()) },
  { weight: 1, arbitrary: fc.constantFrom(...backs) },
);

const field = fc.tuple(
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...names, 'back', ...Object.keys(injectedFields)) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 20 }) },
  ),
  text,
);

const headers: fc.Arbitrary<OutgoingHttpHeaders> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({}) },
  { weight: 2, arbitrary: fc.constantFrom(...hosts).map((host) => ({ host: ascii(host) })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...hosts).map((host) => ({
      'x-forwarded-host': ascii(host),
      'x-forwarded-proto': 'javascript',
      referer: ascii(`https://${host}/`),
    })),
  },
  { weight: 2, arbitrary: fc.constantFrom(...oddHeaders) },
);

/** The UTF-8 bytes of a header value, each as one Latin-1 character, so that Node sends them. */
const ascii = (value: string) => Buffer.from(value).toString('latin1');

/** The names and values of a form's fields, as its page shows them. */
export type KnownForm = ReadonlyMap<string, string>;

/** Random submissions of the site's forms: half of the fields as on the page, the others random. */
export function anyForm(
  routes: readonly string[],
  known: ReadonlyMap<string, KnownForm>,
): fc.Arbitrary<FormPlan> {
  return fc.constantFrom(...routes).chain((route) => {
    const own = [...(known.get(route) ?? new Map<string, string>())];
    const ownFields = fc.tuple(
      ...own.map(([name, value]) =>
        fc.oneof(
          { weight: 4, arbitrary: fc.constant([name, value] as const) },
          { weight: 2, arbitrary: text.map((one) => [name, one] as const) },
          { weight: 1, arbitrary: fc.constant(undefined) },
        ),
      ),
    );
    return fc.record({
      route: fc.constant(route),
      language: fc.constantFrom('', '/en'),
      caller: fc.constantFrom(...formCallers),
      id: fc.oneof(
        { weight: 6, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.constantFrom(...badIds) },
      ),
      query: fc.oneof(
        { weight: 6, arbitrary: fc.constant('') },
        {
          weight: 1,
          arbitrary: fc.constantFrom(...backs).map((back) => `?back=${escaped(back)}&%=%ff`),
        },
      ),
      headers,
      fields: fc
        .tuple(ownFields, fc.array(field, { maxLength: 3 }))
        .map(([page, others]) => [...page.filter((one) => one !== undefined), ...others]),
      encoding: fc.constantFrom('urlencoded', 'urlencoded', 'multipart', 'multipart', 'raw'),
      file: fc.oneof(fc.constant(null), fc.constantFrom(...files)),
      raw: fc.constantFrom(...rawForms, ...badBodies),
    });
  });
}

export const escaped = (value: string) => encodeURIComponent(value.toWellFormed());

/** The body of a submission with its media type. */
export function encodedForm({ encoding, fields, file, raw }: FormPlan): {
  readonly body: Buffer;
  readonly type: string;
} {
  if (encoding === 'urlencoded' || encoding === 'raw') {
    const pairs = fields.map(([name, value]) => `${escaped(name)}=${escaped(value)}`);
    const body = encoding === 'raw' ? raw : pairs.join('&');
    const isParts = typeof body === 'string' && body.startsWith('--x');
    return {
      body: Buffer.from(body),
      type: isParts ? 'multipart/form-data; boundary=x' : 'application/x-www-form-urlencoded',
    };
  }
  const boundary = 'batas-isian';
  const quoted = (name: string) => name.replaceAll(/["\r\n\0]/g, '_');
  const parts = fields.map(
    ([name, value]) =>
      `--${boundary}\r\ncontent-disposition: form-data; name="${quoted(name)}"\r\n\r\n${value}\r\n`,
  );
  const ofFile =
    file === null
      ? []
      : [
          Buffer.from(
            `--${boundary}\r\ncontent-disposition: form-data; name="picture"; filename="a.jpg"\r\ncontent-type: image/jpeg\r\n\r\n`,
          ),
          file,
          Buffer.from('\r\n'),
        ];
  const bytes = [Buffer.from(parts.join('')), ...ofFile, Buffer.from(`--${boundary}--\r\n`)];
  return { body: Buffer.concat(bytes), type: `multipart/form-data; boundary=${boundary}` };
}

/**
 * The forms on a page: the names and values of the fields, by the route that the form is sent to.
 */
export function formsOn(html: string): Map<string, Map<string, string>> {
  const forms = new Map<string, Map<string, string>>();
  for (const [, attributes = '', inside = ''] of html.matchAll(/<form([^>]*)>(.*?)<\/form>/gs)) {
    if (!/method="post"/.test(attributes)) continue;
    const action = /action="([^"?]*)/.exec(attributes)?.[1] ?? '';
    const fields = forms.get(action) ?? new Map<string, string>();
    for (const [tag] of inside.matchAll(/<(?:input|select|textarea|button)[^>]*>/g)) {
      const name = /\bname="([^"]*)"/.exec(tag)?.[1];
      if (name === undefined) continue;
      fields.set(name, /\bvalue="([^"]*)"/.exec(tag)?.[1] ?? '');
    }
    forms.set(action, fields);
  }
  return forms;
}
