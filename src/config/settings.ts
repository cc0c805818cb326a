import { isIP } from 'node:net';
import { resolve } from 'node:path';

/** The levels a log line can have, most silent first. */
export const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];

/** One environment variable: how it is read, and what `.env.example` says of it. */
export interface Variable<T> {
  /** Used when the variable is unset or empty; undefined: there is none. */
  readonly fallback: string | undefined;
  /** A secret's value never appears in a message. */
  readonly secret: boolean;
  /** Completes "accepted: …". */
  readonly accepts: string;
  /** Lines for `.env.example`. */
  readonly about: readonly string[];
  /** Undefined means: not accepted. */
  readonly parse: (text: string) => T | undefined;
}

function variable<T>(declared: Variable<T>): Variable<T> {
  return declared;
}

/** The least a secret may have: HS256 needs 256 bits (RFC 7518, section 3.2). */
const secretLength = 32;
const minutesInADay = 1440;

/** Every variable the service reads, in the order of `.env.example`. */
export const variables = {
  HOST: variable({
    fallback: '127.0.0.1',
    secret: false,
    accepts: 'an IP address or a host name, such as 127.0.0.1 or 0.0.0.0',
    about: [
      'Address the HTTP server listens on.',
      'Use 0.0.0.0 to be reached from other machines, with a TLS proxy in front.',
    ],
    parse: (text) => (/^[a-z0-9.:-]{1,255}$/i.test(text) ? text : undefined),
  }),
  PORT: variable({
    fallback: '8000',
    secret: false,
    accepts: 'a whole number from 0 to 65535 (0: any free port)',
    about: ['Port of the HTTP server. 0 takes any free one.'],
    parse: (text) => wholeNumber(text, 0, 65_535),
  }),
  SAMBATAN_DRAIN_SECONDS: variable({
    fallback: '0',
    secret: false,
    accepts: 'a whole number of seconds from 0 to 30',
    about: [
      'Seconds between a signal to stop and the end of listening, 0 to 30. /readyz says 503 meanwhile',
      'and requests are still answered: a balancer has this long to send them elsewhere.',
    ],
    parse: (text) => wholeNumber(text, 0, 30),
  }),
  SAMBATAN_MAX_IN_FLIGHT: variable({
    fallback: '2000',
    secret: false,
    accepts: 'a whole number from 1 to 100000',
    about: [
      'Maximum requests in flight of one process, 1 to 100000, without event streams. Further requests',
      'get 503 and Retry-After. The limit falls while requests wait too long.',
    ],
    parse: (text) => wholeNumber(text, 1, 100_000),
  }),
  DATABASE_URL: variable({
    fallback: undefined,
    secret: true,
    accepts: 'a URL that starts with postgres:// or postgresql://',
    about: [
      'PostgreSQL 15 to 18 to use, for example postgresql://user:password@host:5432/database',
      '(Supabase: direct connection, session pooler or transaction pooler).',
      'Unset: the service starts a PostgreSQL of its own in SAMBATAN_DATA_DIR.',
    ],
    parse: databaseUrl,
  }),
  SAMBATAN_DATA_DIR: variable({
    fallback: './data',
    secret: false,
    accepts: 'the path of a directory',
    about: ['Where the embedded PostgreSQL keeps its data, and the generated service key lies.'],
    parse: (text) => (text.includes('\0') ? undefined : resolve(text)),
  }),
  SAMBATAN_SERVICE_KEY: variable({
    fallback: undefined,
    secret: true,
    accepts: `at least ${secretLength} printable ASCII characters without spaces`,
    about: [
      'Bearer token of trusted backends; whoever holds it may act for any user.',
      `At least ${secretLength} characters, for example from: openssl rand -base64 48`,
      'Required with DATABASE_URL. Unset with the embedded PostgreSQL: one is generated into',
      'SAMBATAN_DATA_DIR/service-key and shown once.',
    ],
    parse: key,
  }),
  SAMBATAN_SECRET_KEY: variable({
    fallback: undefined,
    secret: true,
    accepts: `at least ${secretLength} printable ASCII characters without spaces`,
    about: [
      'Encrypts the secrets of authenticator apps and signs sign-in codes and unsubscribe links.',
      'Never change it. Unset with the embedded PostgreSQL: SAMBATAN_DATA_DIR/secret-key is used.',
      'Unset with DATABASE_URL: SAMBATAN_SERVICE_KEY is used. Before you change the service key',
      'there, set this variable to the old service key.',
    ],
    parse: key,
  }),
  SAMBATAN_SCHEDULER_INTERVAL: variable({
    fallback: '5',
    secret: false,
    accepts: `a whole number of minutes from 1 to ${minutesInADay}`,
    about: [
      'Minutes between two sweeps for overdue campaigns, 1 to 1440, whole. Deadlines do not wait',
      'for a sweep: each is met by its own timer, and the sweep is the safety net.',
    ],
    parse: (text) => wholeNumber(text, 1, minutesInADay),
  }),
  SAMBATAN_JOIN_RATE_LIMIT: variable({
    fallback: '10',
    secret: false,
    accepts: 'a whole number from 0 to 100000 (0: no limit)',
    about: [
      'Join attempts a minute per caller: per user when signed in, else per address.',
      '0 switches the limit off.',
    ],
    parse: (text) => wholeNumber(text, 0, 100_000),
  }),
  SAMBATAN_HOLD_GRACE: variable({
    fallback: '0',
    secret: false,
    accepts: 'a whole number of minutes from 0 to 10080',
    about: [
      'Minutes for which a hold that has run out is still left alone, for campaigns made from now',
      'on: a transfer that is a little late finds its slots. 0: none.',
    ],
    parse: (text) => wholeNumber(text, 0, 10_080),
  }),
  SAMBATAN_PAYMENT_TERM: variable({
    fallback: '72',
    secret: false,
    accepts: 'a whole number of hours from 1 to 720',
    about: ['Hours within which buyers of a completed campaign are asked to pay.'],
    parse: (text) => wholeNumber(text, 1, 720),
  }),
  SAMBATAN_PAYMENT_GRACE: variable({
    fallback: '24',
    secret: false,
    accepts: 'a whole number of hours from 0 to 720',
    about: [
      'Hours added to SAMBATAN_PAYMENT_TERM before it is too late to pay: buyers are shown the end',
      'of both. Campaigns keep the terms that they were made with.',
    ],
    parse: (text) => wholeNumber(text, 0, 720),
  }),
  SAMBATAN_VERIFICATION_HOURS: variable({
    fallback: '48',
    secret: false,
    accepts: 'a whole number of hours from 0 to 720',
    about: [
      'Hours after a deadline within which a payment that was made in time may still be seen, by',
      'a bank statement, a provider or a person. An order that was not paid waits as long.',
    ],
    parse: (text) => wholeNumber(text, 0, 720),
  }),
  SAMBATAN_DECISION_HOURS: variable({
    fallback: '72',
    secret: false,
    accepts: 'a whole number of hours from 0 to 720',
    about: [
      'Hours in which only the seller decides whether a batch goes on when fewer slots were paid',
      'than its minimum; after that an operator may decide as well.',
    ],
    parse: (text) => wholeNumber(text, 0, 720),
  }),
  SAMBATAN_RECEIVED_AFTER_DAYS: variable({
    fallback: '14',
    secret: false,
    accepts: 'a whole number of days from 1 to 90',
    about: [
      'Days after a batch was marked as shipped until a paid order counts as received when its',
      'buyer has said nothing. A dispute stops it.',
    ],
    parse: (text) => wholeNumber(text, 1, 90),
  }),
  SAMBATAN_TRUSTED_PROXIES: variable({
    fallback: '',
    secret: false,
    accepts:
      'IP addresses and CIDR ranges separated by commas, such as 10.0.0.7,192.168.0.0/16 ' +
      '(a range of all addresses is not accepted)',
    about: [
      'Reverse proxies whose X-Forwarded-For is believed: IP addresses and CIDR ranges,',
      'separated by commas. Empty: nobody is believed, the peer is the caller.',
    ],
    parse: addressList,
  }),
  SAMBATAN_JWT_SECRET: variable({
    fallback: undefined,
    secret: true,
    accepts: `at least ${secretLength} bytes`,
    about: [
      "Secret of users' tokens signed with HS256 (Supabase: the project's JWT secret).",
      'May stand beside SAMBATAN_JWKS_URL while a project moves from one to the other: a token',
      'signed with HS256 is checked with this secret only, any other with the key set only.',
    ],
    parse: (text) => (longEnough(text) ? text : undefined),
  }),
  SAMBATAN_JWKS_URL: variable({
    fallback: undefined,
    secret: false,
    accepts: 'an https:// URL without user and password (http:// on a loopback address only)',
    about: [
      "Key set of users' tokens signed with RS256, ES256 or EdDSA, for example",
      'https://PROJECT.supabase.co/auth/v1/.well-known/jwks.json',
    ],
    parse: keySetUrl,
  }),
  SAMBATAN_JWT_ISSUER: variable({
    fallback: undefined,
    secret: false,
    accepts: 'the exact text of the "iss" claim',
    about: [
      'Required "iss" of users\' tokens, for example https://PROJECT.supabase.co/auth/v1',
      'Must be given with SAMBATAN_JWT_SECRET or SAMBATAN_JWKS_URL.',
    ],
    parse: (text) => text,
  }),
  SAMBATAN_JWT_AUDIENCE: variable({
    fallback: 'authenticated',
    secret: false,
    accepts: 'the exact text of the "aud" claim',
    about: ['Required "aud" of users\' tokens (Supabase Auth issues "authenticated").'],
    parse: (text) => text,
  }),
  SAMBATAN_ALLOW_ANONYMOUS_USERS: variable({
    fallback: 'false',
    secret: false,
    accepts: 'true or false',
    about: [
      'Whether anonymous users of Supabase Auth (tokens with "is_anonymous": true) may join and have',
      'an account here. They cost nothing to make, so limits per buyer do not bind them.',
    ],
    parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  }),
  SAMBATAN_OPERATORS: variable({
    fallback: '',
    secret: false,
    accepts: 'e-mail addresses separated by commas',
    about: [
      'E-mail addresses of operators, separated by commas. Whoever signs in with a code sent to one',
      'of them is an operator of the site; the change takes effect at the next start.',
    ],
    parse: emailList,
  }),
  SAMBATAN_OPERATORS_NEED_SECOND_FACTOR: variable({
    fallback: 'false',
    secret: false,
    accepts: 'true or false',
    about: [
      'Whether operators have to sign in with a second factor: a code of an app, or a token whose',
      'claim "aal" is "aal2". Without it they are buyers like everybody else. Switch it on wherever',
      'the service is reached from other machines; compose.yaml does.',
    ],
    parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  }),
  SAMBATAN_REAUTH_MINUTES: variable({
    fallback: '15',
    secret: false,
    accepts: `a whole number of minutes from 1 to ${minutesInADay}`,
    about: [
      'Minutes after an authentication during which sensitive actions need no re-authentication:',
      'sending money, accounts that money goes to, rights, secrets, deleting an account. After that',
      'people enter a code of their app or of an e-mail; a token must be a newer one.',
    ],
    parse: (text) => wholeNumber(text, 1, minutesInADay),
  }),
  SAMBATAN_PUBLIC_URL: variable({
    fallback: undefined,
    secret: false,
    accepts: 'an http:// or https:// URL without a path, such as https://sambatan.example',
    about: [
      'Where people reach the site, for links in mails and previews. Behind a TLS proxy set it to',
      'the https:// address. Unset: links point where each request came in.',
    ],
    parse: siteUrl,
  }),
  SMTP_URL: variable({
    fallback: undefined,
    secret: true,
    accepts: 'a URL that starts with smtp:// or smtps://',
    about: [
      'Mail server, for example smtps://user:password@smtp.example:465',
      'Unset: mails are written to SAMBATAN_DATA_DIR/outbox, and the site shows them at a secret',
      'address that the start prints, so that a newcomer can sign in.',
    ],
    parse: (text) => (/^smtps?:\/\/[^\s]+$/.test(text) && URL.canParse(text) ? text : undefined),
  }),
  MAIL_FROM: variable({
    fallback: 'Sambatan <sambatan@localhost>',
    secret: false,
    accepts: 'an address such as Sambatan <halo@sambatan.example>',
    about: ['Sender of mails.'],
    parse: (text) => (/^([^<>@\r\n]* <)?[^\s<>@]+@[^\s<>@]+>?$/.test(text) ? text : undefined),
  }),
  SAMBATAN_MAILS_PER_MINUTE: variable({
    fallback: '600',
    secret: false,
    accepts: 'a whole number from 1 to 100000',
    about: [
      'Sign-in codes and invitations mailed a minute at most, over five minutes, by all processes',
      'together. Requests of strangers may use 80 % of it, invitations half. Stay below what the',
      'mail provider takes.',
    ],
    parse: (text) => wholeNumber(text, 1, 100_000),
  }),
  SAMBATAN_MAILS_PER_DAY: variable({
    fallback: '20000',
    secret: false,
    accepts: 'a whole number from 1 to 10000000',
    about: ['Sign-in codes and invitations mailed a day at most, shared in the same way.'],
    parse: (text) => wholeNumber(text, 1, 10_000_000),
  }),
  SAMBATAN_INVARIANT_HOURS: variable({
    fallback: '24',
    secret: false,
    accepts: 'a whole number of hours from 0 to 720 (0: never)',
    about: [
      'Hours between two checks of every invariant on the whole database by the workers, one of them',
      'at a time. 0: never; then run "sambatan invariants" by a timer of your own.',
    ],
    parse: (text) => wholeNumber(text, 0, 720),
  }),
  SAMBATAN_DIGEST_MINUTES: variable({
    fallback: '15',
    secret: false,
    accepts: `a whole number of minutes from 1 to ${minutesInADay}`,
    about: [
      'Minutes for which sellers are told together who joined and left a campaign: one message',
      'for each such window, however many they are.',
    ],
    parse: (text) => wholeNumber(text, 1, minutesInADay),
  }),
  SAMBATAN_WEBHOOKS_TO_LOOPBACK: variable({
    fallback: 'false',
    secret: false,
    accepts: 'true or false',
    about: [
      'For development: whether webhooks may be sent to addresses of this machine (127.0.0.1,',
      '::1), also by http://. Other private addresses are never connected to.',
    ],
    parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  }),
  MIDTRANS_SERVER_KEY: variable({
    fallback: undefined,
    secret: true,
    accepts: 'the server key of a Midtrans account, 16 to 200 characters without blanks',
    about: [
      'Server key of Midtrans: with it buyers can pay online. Unset: they pay by transfer only.',
      'See docs/payments-midtrans.md.',
    ],
    parse: (text) => (/^[\x21-\x7e]{16,200}$/.test(text) ? text : undefined),
  }),
  MIDTRANS_ENVIRONMENT: variable({
    fallback: 'sandbox',
    secret: false,
    accepts: 'sandbox or production',
    about: ['Which Midtrans the server key is of: sandbox or production.'],
    parse: (text) => (['sandbox', 'production'] as const).find((one) => one === text),
  }),
  MIDTRANS_URL: variable({
    fallback: undefined,
    secret: false,
    accepts: 'an https:// URL without a path (http:// for this machine)',
    about: ['Where Midtrans is reached instead, such as a proxy of yours or a stand-in for tests.'],
    parse: (text) => (siteUrl(text) === undefined ? undefined : keySetUrl(siteUrl(text) ?? '')),
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: variable({
    fallback: undefined,
    secret: false,
    accepts: 'an http:// or https:// URL, such as http://collector:4318',
    about: [
      'Collector of traces (OpenTelemetry, OTLP over HTTP), without /v1/traces, for example',
      'http://collector:4318. Unset: there are no traces, and nothing of them is loaded.',
    ],
    parse: (text) =>
      URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
        ? text.replace(/\/+$/, '')
        : undefined,
  }),
  OTEL_EXPORTER_OTLP_HEADERS: variable({
    fallback: '',
    secret: true,
    accepts: 'name=value pairs separated by commas',
    about: ['Headers for the collector, as name=value, separated by commas: often a key.'],
    parse: headerList,
  }),
  OTEL_SERVICE_NAME: variable({
    fallback: 'sambatan',
    secret: false,
    accepts: 'a name of at most 100 characters',
    about: ['What traces call this service.'],
    parse: (text) => (text.length <= 100 ? text : undefined),
  }),
  OTEL_TRACES_SAMPLER_ARG: variable({
    fallback: '1',
    secret: false,
    accepts: 'a number from 0 to 1',
    about: ['The share of traces that are kept, from 0 to 1, of those that begin here.'],
    parse: (text) => (/^(0|1|0?\.\d{1,6}|1\.0+)$/.test(text) ? Number(text) : undefined),
  }),
  LOG_LEVEL: variable({
    fallback: 'info',
    secret: false,
    accepts: `one of ${logLevels.join(', ')}`,
    about: [`Least level that is logged: ${logLevels.join(', ')}.`],
    parse: (text) => logLevels.find((level) => level === text),
  }),
} as const;

function headerList(text: string): Readonly<Record<string, string>> | undefined {
  const pairs = text
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
    .map((pair) => /^([\w-]+)=([\x21-\x7e]+)$/.exec(pair));
  if (pairs.includes(null)) return undefined;
  return Object.fromEntries(pairs.map((pair) => [pair![1]!.toLowerCase(), pair![2]!]));
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

function key(text: string): string | undefined {
  return /^[\x21-\x7e]+$/.test(text) && longEnough(text) ? text : undefined;
}

function longEnough(text: string): boolean {
  return Buffer.byteLength(text) >= secretLength;
}

function databaseUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  return /^postgres(ql)?:$/.test(new URL(text).protocol) ? text : undefined;
}

function siteUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const { protocol, origin, pathname, search, username } = new URL(text);
  const plain = pathname === '/' && search === '' && username === '';
  return plain && /^https?:$/.test(protocol) ? origin : undefined;
}

function keySetUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return undefined;
  const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  const accepted = url.protocol === 'https:' || (url.protocol === 'http:' && loopback);
  return accepted ? text : undefined;
}

function emailList(text: string): readonly string[] | undefined {
  const items = text
    .split(',')
    .map((item) => item.trim().toLowerCase())
    .filter((item) => item !== '');
  return items.every((item) => /^[^\s@]+@[^\s@]+$/.test(item)) ? items : undefined;
}

function addressList(text: string): readonly string[] | undefined {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  return items.every(isAddressOrRange) ? items : undefined;
}

function isAddressOrRange(item: string): boolean {
  const [address = '', bits, ...rest] = item.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  return bits === undefined || wholeNumber(bits, 1, version === 4 ? 32 : 128) !== undefined;
}
