import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { parseEnv } from 'node:util';

/** The levels a log line can have, most silent first. */
export const logLevels = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof logLevels)[number];

/** What the service was told at start: checked, frozen, grouped; units are in the names. */
export interface Config {
  readonly http: {
    readonly host: string;
    /** 0 asks the system for a free port. */
    readonly port: number;
    /** Addresses and CIDR ranges whose X-Forwarded-For is believed; nobody else's is. */
    readonly trustedProxies: readonly string[];
  };
  readonly database: {
    /** Undefined: the service starts its own PostgreSQL inside `dataDirectory`. */
    readonly url: string | undefined;
    /** Absolute path. */
    readonly dataDirectory: string;
  };
  readonly identity: {
    /** Undefined only with the embedded database: then it is made (identity/service-key.ts). */
    readonly serviceKey: string | undefined;
    readonly jwtSecret: string | undefined;
    readonly jwksUrl: string | undefined;
    /** Always given when a secret or a key set is. */
    readonly jwtIssuer: string | undefined;
    readonly jwtAudience: string;
  };
  readonly scheduler: { readonly intervalMinutes: number };
  /** 0: joins are not limited. */
  readonly joins: { readonly limitPerMinute: number };
  readonly log: { readonly level: LogLevel };
}

/** One environment variable: how it is read, and what `.env.example` says of it. */
interface Variable<T> {
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
    parse: (text) => (/^[\x21-\x7e]+$/.test(text) && longEnough(text) ? text : undefined),
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
  LOG_LEVEL: variable({
    fallback: 'info',
    secret: false,
    accepts: `one of ${logLevels.join(', ')}`,
    about: [`Least level that is logged: ${logLevels.join(', ')}.`],
    parse: (text) => logLevels.find((level) => level === text),
  }),
} as const;

type Name = keyof typeof variables;
type Values = {
  [N in Name]: (typeof variables)[N] extends Variable<infer T> ? T | undefined : never;
};

/** The settings cannot be used; `problems` has one sentence for each thing to mend. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const list = problems.map((problem) => `  - ${problem}`).join('\n');
    super(`The configuration has ${problems.length} problem(s):\n${list}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Whether npm started this process: it passes signals on, but not its own death. */
export const startedByNpm = (): boolean => process.env['npm_lifecycle_event'] !== undefined;

/**
 * Reads the process environment and, for what it leaves unset, the `.env` file of the working
 * directory. Throws ConfigError with all problems at once.
 */
export function loadConfig(): Config {
  const file = resolve('.env');
  const fromFile = existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
  return readConfig({ ...fromFile, ...process.env });
}

/**
 * Turns an environment into the configuration. An empty variable counts as unset.
 * Throws ConfigError with all problems at once.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const values = readValues(environment, problems);
  problems.push(...conflicts(environment));
  if (problems.length > 0) throw new ConfigError(problems);
  return deepFreeze({
    http: {
      host: present(values.HOST),
      port: present(values.PORT),
      trustedProxies: values.SAMBATAN_TRUSTED_PROXIES ?? [],
    },
    database: { url: values.DATABASE_URL, dataDirectory: present(values.SAMBATAN_DATA_DIR) },
    identity: {
      serviceKey: values.SAMBATAN_SERVICE_KEY,
      jwtSecret: values.SAMBATAN_JWT_SECRET,
      jwksUrl: values.SAMBATAN_JWKS_URL,
      jwtIssuer: values.SAMBATAN_JWT_ISSUER,
      jwtAudience: present(values.SAMBATAN_JWT_AUDIENCE),
    },
    scheduler: { intervalMinutes: present(values.SAMBATAN_SCHEDULER_INTERVAL) },
    joins: { limitPerMinute: present(values.SAMBATAN_JOIN_RATE_LIMIT) },
    log: { level: present(values.LOG_LEVEL) },
  });
}

/** The text of `.env.example`: every variable with its explanation and its default. */
export function exampleEnvironment(): string {
  const blocks = Object.entries(variables).map(([name, { about, fallback }]) => {
    const explanation = about.map((line) => `# ${line}`).join('\n');
    return `${explanation}\n# ${name}=${fallback ?? ''}\n`;
  });
  const head =
    '# Settings of Sambatan. Copy to .env and take the "# " away from what you change;\n' +
    '# a variable of the real environment wins over this file. Shown are the defaults.\n';
  return [head, ...blocks].join('\n');
}

function readValues(
  environment: Readonly<Record<string, string | undefined>>,
  problems: string[],
): Values {
  const values: Record<string, unknown> = {};
  for (const [name, declared] of Object.entries(variables)) {
    const text = given(environment, name) ?? declared.fallback;
    if (text === undefined) continue;
    const value = declared.parse(text);
    if (value === undefined) problems.push(`${name} ${was(declared, text)}; ${must(declared)}`);
    values[name] = value;
  }
  return values as Values;
}

/** What is wrong between variables that are each fine alone. */
function conflicts(environment: Readonly<Record<string, string | undefined>>): string[] {
  const has = (name: Name) => given(environment, name) !== undefined;
  const problems: string[] = [];
  if (has('DATABASE_URL') && !has('SAMBATAN_SERVICE_KEY')) {
    const accepted = must(variables.SAMBATAN_SERVICE_KEY);
    problems.push(`SAMBATAN_SERVICE_KEY is unset, but DATABASE_URL is set; ${accepted}`);
  }
  const keys = (['SAMBATAN_JWT_SECRET', 'SAMBATAN_JWKS_URL'] as const).filter(has);
  if (keys.length > 0 && !has('SAMBATAN_JWT_ISSUER')) {
    const accepted = must(variables.SAMBATAN_JWT_ISSUER);
    problems.push(`SAMBATAN_JWT_ISSUER is unset, but ${keys.join(' and ')} is set; ${accepted}`);
  }
  return problems;
}

function given(environment: Readonly<Record<string, string | undefined>>, name: string) {
  const text = environment[name]?.trim();
  return text === '' ? undefined : text;
}

function was(declared: Variable<unknown>, text: string): string {
  if (declared.secret) return `has a value of ${text.length} characters`;
  return `is ${JSON.stringify(text.replace(/\/\/[^/@]*@/, '//***@'))}`;
}

function must(declared: Variable<unknown>): string {
  return `accepted: ${declared.accepts}`;
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : undefined;
}

function longEnough(text: string): boolean {
  return Buffer.byteLength(text) >= secretLength;
}

function databaseUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  return /^postgres(ql)?:$/.test(new URL(text).protocol) ? text : undefined;
}

function keySetUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return undefined;
  const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);
  const accepted = url.protocol === 'https:' || (url.protocol === 'http:' && loopback);
  return accepted ? text : undefined;
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

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('a variable with a default has no value');
  return value;
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) deepFreeze(part as object);
  }
  return Object.freeze(value);
}
