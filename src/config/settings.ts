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
      'Use 0.0.0.0 to accept connections from other machines, with a TLS proxy in front.',
    ],
    parse: (text) => (/^[a-z0-9.:-]{1,255}$/i.test(text) ? text : undefined),
  }),
  PORT: variable({
    fallback: '8000',
    secret: false,
    accepts: 'a whole number from 0 to 65535 (0: any free port)',
    about: ['Port of the HTTP server. 0 takes any free port.'],
    parse: (text) => wholeNumber(text, 0, 65_535),
  }),
  SAMBATAN_DRAIN_SECONDS: variable({
    fallback: '0',
    secret: false,
    accepts: 'a whole number of seconds from 0 to 30',
    about: [
      'Seconds between a stop signal and the end of listening, 0 to 30. In this time /readyz',
      'answers 503 and requests are still served, so that a load balancer can send them',
      'elsewhere.',
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
      'PostgreSQL 15 to 18, for example postgresql://user:password@host:5432/database (Supabase:',
      'direct connection, session pooler or transaction pooler).',
      'Unset: the service starts an embedded PostgreSQL in SAMBATAN_DATA_DIR.',
    ],
    parse: databaseUrl,
  }),
  SAMBATAN_DATA_DIR: variable({
    fallback: './data',
    secret: false,
    accepts: 'the path of a directory',
    about: ["Directory of the embedded PostgreSQL's data and of the generated service key."],
    parse: (text) => (text.includes('\0') ? undefined : resolve(text)),
  }),
  SAMBATAN_SERVICE_KEY: variable({
    fallback: undefined,
    secret: true,
    accepts: `at least ${secretLength} printable ASCII characters without spaces`,
    about: [
      'Bearer token of trusted backends; a caller with this token may act for any user.',
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
      'Whole minutes between two sweeps for overdue campaigns, 1 to 1440. Deadlines do not wait',
      'for a sweep: each has its own timer, and the sweep is the safety net.',
    ],
    parse: (text) => wholeNumber(text, 1, minutesInADay),
  }),
  SAMBATAN_JOIN_RATE_LIMIT: variable({
    fallback: '10',
    secret: false,
    accepts: 'a whole number from 0 to 100000 (0: no limit)',
    about: [
      'Join attempts per minute and caller: per user if signed in, else per address.',
      '0 switches the limit off.',
    ],
    parse: (text) => wholeNumber(text, 0, 100_000),
  }),
  SAMBATAN_HOLD_GRACE: variable({
    fallback: '0',
    secret: false,
    accepts: 'a whole number of minutes from 0 to 10080',
    about: [
      'Minutes after the end of a hold before it lapses, for campaigns created from now on, so',
      'that a transfer that is a little late still finds its slots. 0: none.',
    ],
    parse: (text) => wholeNumber(text, 0, 10_080),
  }),
  SAMBATAN_PAYMENT_TERM: variable({
    fallback: '72',
    secret: false,
    accepts: 'a whole number of hours from 1 to 720',
    about: ['Hours that buyers of a completed campaign have to pay.'],
    parse: (text) => wholeNumber(text, 1, 720),
  }),
  SAMBATAN_PAYMENT_GRACE: variable({
    fallback: '24',
    secret: false,
    accepts: 'a whole number of hours from 0 to 720',
    about: [
      'Hours added to SAMBATAN_PAYMENT_TERM before a payment is too late. Buyers see the end of',
      'both. Existing campaigns keep their terms.',
    ],
    parse: (text) => wholeNumber(text, 0, 720),
  }),
  SAMBATAN_VERIFICATION_HOURS: variable({
    fallback: '48',
    secret: false,
    accepts: 'a whole number of hours from 0 to 720',
    about: [
      'Hours after a deadline in which a payment that was made in time may still appear, through',
      'a bank statement, a provider or a person. An unpaid order waits equally long.',
    ],
    parse: (text) => wholeNumber(text, 0, 720),
  }),
  SAMBATAN_DECISION_HOURS: variable({
    fallback: '72',
    secret: false,
    accepts: 'a whole number of hours from 0 to 720',
    about: [
      'Hours in which only the seller decides whether a batch continues if fewer slots than its',
      'minimum were paid. After that an operator may decide too.',
    ],
    parse: (text) => wholeNumber(text, 0, 720),
  }),
  SAMBATAN_RECEIVED_AFTER_DAYS: variable({
    fallback: '14',
    secret: false,
    accepts: 'a whole number of days from 1 to 90',
    about: [
      'Days after a batch was marked as shipped until a paid order counts as received if its',
      'buyer has reported nothing. A dispute stops it.',
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
      'Reverse proxies whose X-Forwarded-For is trusted: IP addresses and CIDR ranges, separated',
      'by commas. Empty: none is trusted, and the peer is the caller.',
    ],
    parse: addressList,
  }),
  SAMBATAN_JWT_SECRET: variable({
    fallback: undefined,
    secret: true,
    accepts: `at least ${secretLength} bytes`,
    about: [
      "Secret of users' tokens signed with HS256 (Supabase: the project's JWT secret).",
      'May be set together with SAMBATAN_JWKS_URL while a project moves from one to the other: a',
      'token signed with HS256 is checked only with this secret, any other only with the key set.',
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
      'Whether anonymous users of Supabase Auth (tokens with "is_anonymous": true) may join and',
      'have an account here. They cost nothing to create, so limits per buyer do not bind them.',
    ],
    parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  }),
  SAMBATAN_OPERATORS: variable({
    fallback: '',
    secret: false,
    accepts: 'e-mail addresses separated by commas',
    about: [
      'E-mail addresses of operators, separated by commas. A user who signs in with a code sent',
      'to one of them is an operator of the site. A change takes effect at the next start.',
    ],
    parse: emailList,
  }),
  SAMBATAN_OPERATORS_NEED_SECOND_FACTOR: variable({
    fallback: 'false',
    secret: false,
    accepts: 'true or false',
    about: [
      'Whether operators must sign in with a second factor: a code of an app, or a token whose',
      'claim "aal" is "aal2". Without it they have only the rights of buyers. Switch it on if the',
      'service is reachable from other machines; compose.yaml does.',
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
      'Public address of the site, for links in e-mails and previews. Behind a TLS proxy set it',
      'to the https:// address. Unset: links use the address of the request.',
    ],
    parse: siteUrl,
  }),
  SMTP_URL: variable({
    fallback: undefined,
    secret: true,
    accepts: 'a URL that starts with smtp:// or smtps://',
    about: [
      'Mail server, for example smtps://user:password@smtp.example:465',
      'Unset: e-mails are written to SAMBATAN_DATA_DIR/outbox, and the site shows them at a',
      'secret address that is printed at the start, so that a first user can sign in.',
    ],
    parse: (text) => (/^smtps?:\/\/[^\s]+$/.test(text) && URL.canParse(text) ? text : undefined),
  }),
  MAIL_FROM: variable({
    fallback: 'Sambatan <sambatan@localhost>',
    secret: false,
    accepts: 'an address such as Sambatan <halo@sambatan.example>',
    about: ['Sender of e-mails.'],
    parse: (text) => (/^([^<>@\r\n]* <)?[^\s<>@]+@[^\s<>@]+>?$/.test(text) ? text : undefined),
  }),
  SAMBATAN_MAILS_PER_MINUTE: variable({
    fallback: '600',
    secret: false,
    accepts: 'a whole number from 1 to 100000',
    about: [
      'Maximum sign-in codes and invitations sent per minute, averaged over five minutes, by all',
      'processes together. Requests from unknown senders may use 80 % of it, invitations half.',
      'Stay below the limit of the mail provider.',
    ],
    parse: (text) => wholeNumber(text, 1, 100_000),
  }),
  SAMBATAN_MAILS_PER_DAY: variable({
    fallback: '20000',
    secret: false,
    accepts: 'a whole number from 1 to 10000000',
    about: ['Maximum sign-in codes and invitations sent per day, shared in the same way.'],
    parse: (text) => wholeNumber(text, 1, 10_000_000),
  }),
  SAMBATAN_INVARIANT_HOURS: variable({
    fallback: '24',
    secret: false,
    accepts: 'a whole number of hours from 0 to 720 (0: never)',
    about: [
      'Hours between two checks of every invariant on the whole database. The workers share the',
      'checks, one at a time. 0: never; then run "sambatan invariants" from your own timer.',
    ],
    parse: (text) => wholeNumber(text, 0, 720),
  }),
  SAMBATAN_DIGEST_MINUTES: variable({
    fallback: '15',
    secret: false,
    accepts: `a whole number of minutes from 1 to ${minutesInADay}`,
    about: [
      'Minutes for which joins and cancellations of a campaign are collected for its sellers: one',
      'message per window, however many there are.',
    ],
    parse: (text) => wholeNumber(text, 1, minutesInADay),
  }),
  SAMBATAN_WEBHOOKS_TO_LOOPBACK: variable({
    fallback: 'false',
    secret: false,
    accepts: 'true or false',
    about: [
      'For development: whether webhooks may be sent to addresses of this machine (127.0.0.1,',
      '::1), also by http://. Other private addresses are always refused.',
    ],
    parse: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  }),
  MIDTRANS_SERVER_KEY: variable({
    fallback: undefined,
    secret: true,
    accepts: 'the server key of a Midtrans account, 16 to 200 characters without blanks',
    about: [
      'Server key of Midtrans, for online payments. Unset: buyers pay by transfer only.',
      'See docs/payments-midtrans.md.',
    ],
    parse: (text) => (/^[\x21-\x7e]{16,200}$/.test(text) ? text : undefined),
  }),
  MIDTRANS_ENVIRONMENT: variable({
    fallback: 'sandbox',
    secret: false,
    accepts: 'sandbox or production',
    about: ['Midtrans environment of the server key: sandbox or production.'],
    parse: (text) => (['sandbox', 'production'] as const).find((one) => one === text),
  }),
  MIDTRANS_URL: variable({
    fallback: undefined,
    secret: false,
    accepts: 'an https:// URL without a path (http:// for this machine)',
    about: ['Other address of Midtrans, such as your own proxy or a fake for tests.'],
    parse: (text) => (siteUrl(text) === undefined ? undefined : keySetUrl(siteUrl(text) ?? '')),
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: variable({
    fallback: undefined,
    secret: false,
    accepts: 'an http:// or https:// URL, such as http://collector:4318',
    about: [
      'Collector of traces (OpenTelemetry, OTLP over HTTP), without /v1/traces, for example',
      'http://collector:4318. Unset: no traces, and the tracing code is not loaded.',
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
    about: ['Headers for the collector, as name=value, separated by commas; often a key.'],
    parse: headerList,
  }),
  OTEL_SERVICE_NAME: variable({
    fallback: 'sambatan',
    secret: false,
    accepts: 'a name of at most 100 characters',
    about: ['Name of this service in traces.'],
    parse: (text) => (text.length <= 100 ? text : undefined),
  }),
  OTEL_TRACES_SAMPLER_ARG: variable({
    fallback: '1',
    secret: false,
    accepts: 'a number from 0 to 1',
    about: ['Share of traces that are kept, from 0 to 1, of those that start here.'],
    parse: (text) => (/^(0|1|0?\.\d{1,6}|1\.0+)$/.test(text) ? Number(text) : undefined),
  }),
  LOG_LEVEL: variable({
    fallback: 'info',
    secret: false,
    accepts: `one of ${logLevels.join(', ')}`,
    about: [`Minimum level of log messages: ${logLevels.join(', ')}.`],
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
