import { existsSync, readFileSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { readEnvFile, type CutValue } from './env-file.ts';
import { checkNames } from './setting-names.ts';
import { variables, type LogLevel, type Variable } from './settings.ts';
import { conflicts, missingFiles, setValue, describeValue, acceptedValues } from './problems.ts';

/** The configuration: validated, frozen, grouped; units are in the names. */
export interface Config {
  readonly http: {
    readonly host: string;
    /** 0: any free port. */
    readonly port: number;
    /** Addresses and CIDR ranges whose X-Forwarded-For is trusted. */
    readonly trustedProxies: readonly string[];
    /** The public address of the site, without a final slash. */
    readonly publicUrl: string | undefined;
    /** Seconds from the stop signal to the end of listening. */
    readonly drainSeconds: number;
    /** More concurrent requests are shed. */
    readonly maxInFlight: number;
  };
  readonly database: {
    /** Undefined: the service starts its own PostgreSQL in `dataDirectory`. */
    readonly url: string | undefined;
    /** Absolute path. */
    readonly dataDirectory: string;
  };
  readonly identity: {
    /**
     * Undefined only with the embedded database; then it is generated
     * (identity/generated-keys.ts).
     */
    readonly serviceKey: string | undefined;
    /**
     * Protects stored and signed data. Undefined: a generated key with the embedded database,
     * otherwise the service key.
     */
    readonly secretKey: string | undefined;
    readonly jwtSecret: string | undefined;
    readonly jwksUrl: string | undefined;
    /** Always set when a secret or a key set is. */
    readonly jwtIssuer: string | undefined;
    readonly jwtAudience: string;
    /** E-mail addresses of operators in lower case; each counts once it is verified. */
    readonly operators: readonly string[];
    readonly operatorsNeedFactor: boolean;
    readonly reauthMinutes: number;
    /** True: a token with "is_anonymous": true makes its bearer a user. */
    readonly allowAnonymousUsers: boolean;
  };
  readonly scheduler: { readonly intervalMinutes: number };
  /** 0: joins are not limited. */
  readonly joins: { readonly limitPerMinute: number };
  readonly payments: {
    /** Grace period after the end of a hold; applies to new campaigns. */
    readonly holdGraceMinutes: number;
    /** The payment term of buyers of a completed campaign. */
    readonly termHours: number;
    /** Grace period after the term. */
    readonly graceHours: number;
    /** Maximum delay between a payment and its record. */
    readonly verificationHours: number;
    /** How long only the seller decides about a batch below its minimum. */
    readonly decisionHours: number;
    /** Days after shipping until an order without the buyer's answer counts as received. */
    readonly receivedAfterDays: number;
  };
  readonly gateway: {
    /** Undefined: no online payments. */
    readonly midtrans:
      { readonly serverKey: string; readonly snapUrl: string; readonly apiUrl: string } | undefined;
  };
  readonly mail: {
    /** Undefined: e-mails are written to the data directory instead. */
    readonly smtpUrl: string | undefined;
    /** The sender, as in a From header. */
    readonly from: string;
    /** Maximum number of mailed codes and invitations, over all processes. */
    readonly perMinute: number;
    readonly perDay: number;
  };
  /** 0: the workers do not check the invariants. */
  readonly watch: { readonly invariantHours: number };
  readonly messages: {
    /** Sellers get one digest per window of this length. */
    readonly digestMinutes: number;
  };
  readonly webhooks: {
    /** For development and tests: allows receivers on this machine. */
    readonly allowLoopback: boolean;
  };
  readonly traces: {
    /** The collector's address; undefined: tracing is off. */
    readonly url: string | undefined;
    readonly headers: Readonly<Record<string, string>>;
    readonly serviceName: string;
    /** From 0 to 1. */
    readonly share: number;
  };
  readonly log: { readonly level: LogLevel };
}

type Name = keyof typeof variables;
type Values = {
  [N in Name]: (typeof variables)[N] extends Variable<infer T> ? T | undefined : never;
};

/** Invalid settings; `problems` has one sentence per problem. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const list = problems.map((problem) => `  - ${problem}`).join('\n');
    super(`The configuration has ${problems.length} problem(s):\n${list}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Returns true when npm started this process: npm forwards signals, but not its own death. */
export const startedByNpm = (): boolean => process.env['npm_lifecycle_event'] !== undefined;

/** Returns the directories of PATH. */
export const searchPath = (): string[] =>
  (process.env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');

/** Returns the environment of a child process: this process's own with some variables set. */
export const childEnvironment = (set: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...process.env,
  ...set,
});

/**
 * Reads the process environment and, for unset variables, the `.env` file of the working
 * directory. Throws ConfigError with all problems at once.
 */
export function loadConfig(): Config {
  const { environment, cut } = readEnvironment();
  const warnings = [...checkNames(Object.keys(environment)).unknown, ...cut.map(cutSentence)];
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  return readConfig(environment);
}

/**
 * Returns the directory of SAMBATAN_LOCALES_DIR, an absolute path. It is read before the other
 * settings, because many modules need the languages when they load.
 */
export function localesDirectory(): string | undefined {
  const text = setValue(readEnvironment().environment, 'SAMBATAN_LOCALES_DIR');
  return text === undefined ? undefined : variables.SAMBATAN_LOCALES_DIR.parse(text);
}

function readEnvironment() {
  const file = resolve('.env');
  const { values, cut } = readEnvFile(existsSync(file) ? readFileSync(file, 'utf8') : '');
  return { environment: { ...values, ...process.env }, cut };
}

const cutSentence = ({ name, line }: CutValue): string =>
  `line ${line} of .env: the value of ${name} ends before the "#", because everything from there ` +
  `on is a comment; if it belongs to the value, write ${name}='…' with quotes around it`;

/**
 * Converts an environment to the configuration. An empty variable counts as unset. Throws
 * ConfigError with all problems at once.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = [];
  const values = readValues(environment, problems);
  problems.push(...conflicts(environment), ...missingFiles(values.DATABASE_URL));
  problems.push(...checkNames(Object.keys(environment)).misspelt);
  if (problems.length > 0) throw new ConfigError(problems);
  return deepFreeze({
    http: {
      host: present(values.HOST),
      port: present(values.PORT),
      trustedProxies: values.SAMBATAN_TRUSTED_PROXIES ?? [],
      publicUrl: values.SAMBATAN_PUBLIC_URL,
      drainSeconds: present(values.SAMBATAN_DRAIN_SECONDS),
      maxInFlight: present(values.SAMBATAN_MAX_IN_FLIGHT),
    },
    database: { url: values.DATABASE_URL, dataDirectory: present(values.SAMBATAN_DATA_DIR) },
    identity: {
      serviceKey: values.SAMBATAN_SERVICE_KEY,
      secretKey: values.SAMBATAN_SECRET_KEY,
      jwtSecret: values.SAMBATAN_JWT_SECRET,
      jwksUrl: values.SAMBATAN_JWKS_URL,
      jwtIssuer: values.SAMBATAN_JWT_ISSUER,
      jwtAudience: present(values.SAMBATAN_JWT_AUDIENCE),
      operators: values.SAMBATAN_OPERATORS ?? [],
      reauthMinutes: present(values.SAMBATAN_REAUTH_MINUTES),
      allowAnonymousUsers: present(values.SAMBATAN_ALLOW_ANONYMOUS_USERS),
      operatorsNeedFactor: present(values.SAMBATAN_OPERATORS_NEED_SECOND_FACTOR),
    },
    scheduler: { intervalMinutes: present(values.SAMBATAN_SCHEDULER_INTERVAL) },
    joins: { limitPerMinute: present(values.SAMBATAN_JOIN_RATE_LIMIT) },
    payments: {
      holdGraceMinutes: present(values.SAMBATAN_HOLD_GRACE),
      termHours: present(values.SAMBATAN_PAYMENT_TERM),
      graceHours: present(values.SAMBATAN_PAYMENT_GRACE),
      verificationHours: present(values.SAMBATAN_VERIFICATION_HOURS),
      decisionHours: present(values.SAMBATAN_DECISION_HOURS),
      receivedAfterDays: present(values.SAMBATAN_RECEIVED_AFTER_DAYS),
    },
    gateway: { midtrans: midtransOf(values) },
    mail: {
      smtpUrl: values.SMTP_URL,
      from: present(values.MAIL_FROM),
      perMinute: present(values.SAMBATAN_MAILS_PER_MINUTE),
      perDay: present(values.SAMBATAN_MAILS_PER_DAY),
    },
    watch: { invariantHours: present(values.SAMBATAN_INVARIANT_HOURS) },
    messages: { digestMinutes: present(values.SAMBATAN_DIGEST_MINUTES) },
    webhooks: { allowLoopback: present(values.SAMBATAN_WEBHOOKS_TO_LOOPBACK) },
    traces: {
      url: values.OTEL_EXPORTER_OTLP_ENDPOINT,
      headers: values.OTEL_EXPORTER_OTLP_HEADERS ?? {},
      serviceName: present(values.OTEL_SERVICE_NAME),
      share: present(values.OTEL_TRACES_SAMPLER_ARG),
    },
    log: { level: present(values.LOG_LEVEL) },
  });
}

/** Returns the text of `.env.example`: every variable with its explanation and default. */
export function exampleEnvironment(): string {
  const blocks = Object.entries(variables).map(([name, { about, fallback }]) => {
    const explanation = about.map((line) => `# ${line}`).join('\n');
    return `${explanation}\n# ${name}=${fallback ?? ''}\n`;
  });
  const head =
    '# Settings of Sambatan. Copy this file to .env and uncomment the lines that you change.\n' +
    '# Variables of the environment override this file. The values shown are the defaults.\n';
  return [head, ...blocks].join('\n');
}

/** Returns both addresses of the provider's environment, unless others are configured. */
function midtransOf(values: Values): Config['gateway']['midtrans'] {
  const { MIDTRANS_SERVER_KEY: serverKey, MIDTRANS_URL: url } = values;
  if (serverKey === undefined) return undefined;
  const domain = `${values.MIDTRANS_ENVIRONMENT === 'production' ? '' : 'sandbox.'}midtrans.com`;
  return {
    serverKey,
    snapUrl: url ?? `https://app.${domain}`,
    apiUrl: url ?? `https://api.${domain}`,
  };
}

function readValues(
  environment: Readonly<Record<string, string | undefined>>,
  problems: string[],
): Values {
  const values: Record<string, unknown> = {};
  for (const [name, declared] of Object.entries(variables)) {
    const text = setValue(environment, name) ?? declared.fallback;
    if (text === undefined) continue;
    const value = declared.parse(text);
    if (value === undefined)
      problems.push(`${name} ${describeValue(declared, text)}; ${acceptedValues(declared)}`);
    values[name] = value;
  }
  return values as Values;
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
