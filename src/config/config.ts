import { existsSync, readFileSync } from 'node:fs';
import { delimiter, resolve } from 'node:path';
import { readEnvFile, type CutValue } from './env-file.ts';
import { checkNames } from './setting-names.ts';
import { variables, type LogLevel, type Variable } from './settings.ts';
import { conflicts, missingFiles, setValue, describeValue, acceptedValues } from './problems.ts';

/** The configuration: validated, frozen and grouped. The names contain the units. */
export interface Config {
  readonly http: {
    readonly host: string;
    /** The port to listen on; 0 means any free port. */
    readonly port: number;
    /** Addresses and CIDR ranges of proxies whose X-Forwarded-For header is trusted. */
    readonly trustedProxies: readonly string[];
    /** The public address of the site, without a final slash. */
    readonly publicUrl: string | undefined;
    /** How long the server still accepts requests after a stop signal, in seconds. */
    readonly drainSeconds: number;
    /** Maximum number of concurrent requests; further ones are refused. */
    readonly maxInFlight: number;
  };
  readonly database: {
    /** Undefined: the service starts its own PostgreSQL, with its data in `dataDirectory`. */
    readonly url: string | undefined;
    /** The data directory as an absolute path. */
    readonly dataDirectory: string;
  };
  readonly identity: {
    /**
     * Undefined is possible only with the embedded database. Then the service generates the key
     * (identity/generated-keys.ts).
     */
    readonly serviceKey: string | undefined;
    /**
     * The key that protects stored and signed data. If undefined, the embedded database uses a
     * generated key, and any other database uses the service key.
     */
    readonly secretKey: string | undefined;
    readonly jwtSecret: string | undefined;
    readonly jwksUrl: string | undefined;
    /** Always set when `jwtSecret` or `jwksUrl` is set. */
    readonly jwtIssuer: string | undefined;
    readonly jwtAudience: string;
    /**
     * E-mail addresses of operators in lower case. An address counts only when its user has
     * verified it.
     */
    readonly operators: readonly string[];
    readonly operatorsNeedFactor: boolean;
    readonly reauthMinutes: number;
    /**
     * True: the token of an anonymous Supabase user ("is_anonymous": true) belongs to a user, not
     * to a visitor.
     */
    readonly allowAnonymousUsers: boolean;
  };
  readonly scheduler: { readonly intervalMinutes: number };
  /** Maximum number of joins per minute and user; 0 means no limit. */
  readonly joins: { readonly limitPerMinute: number };
  readonly payments: {
    /** Grace period after the end of a hold. A change applies only to new campaigns. */
    readonly holdGraceMinutes: number;
    /** How long the buyers of a completed campaign have for paying. */
    readonly termHours: number;
    /** Grace period after the payment term. */
    readonly graceHours: number;
    /** Maximum time between a payment and its entry in the system. */
    readonly verificationHours: number;
    /** How long only the seller may decide about a batch below its minimum. */
    readonly decisionHours: number;
    /** Days after shipping; then an order without the buyer's answer counts as received. */
    readonly receivedAfterDays: number;
  };
  readonly gateway: {
    /** The payment provider; undefined means that there are no online payments. */
    readonly midtrans:
      { readonly serverKey: string; readonly snapUrl: string; readonly apiUrl: string } | undefined;
  };
  readonly mail: {
    /** Undefined: e-mails are written to files in the data directory. */
    readonly smtpUrl: string | undefined;
    /** The sender, in the format of a From header. */
    readonly from: string;
    /** Maximum number of e-mails with codes and invitations that all processes together send. */
    readonly perMinute: number;
    readonly perDay: number;
  };
  /** Hours between two checks of an invariant; 0 means that the workers do not check them. */
  readonly watch: { readonly invariantHours: number };
  readonly messages: {
    /** Length of the period that one digest for sellers covers. */
    readonly digestMinutes: number;
  };
  readonly webhooks: {
    /** For development and tests: allows webhooks to receivers on this machine. */
    readonly allowLoopback: boolean;
  };
  readonly publicLog: {
    /** The name of the log; undefined means the host name of the public address. */
    readonly name: string | undefined;
    /** The seed of the Ed25519 key that signs the log; undefined if it is not configured. */
    readonly key: Buffer | undefined;
    /** The web addresses that get every checkpoint. */
    readonly witnessUrls: readonly string[];
    /** The file to which every checkpoint is appended, as an absolute path. */
    readonly witnessFile: string | undefined;
  };
  readonly traces: {
    /** The address of the trace collector; undefined means that tracing is off. */
    readonly url: string | undefined;
    readonly headers: Readonly<Record<string, string>>;
    readonly serviceName: string;
    /** The share of traces that are kept, from 0 to 1. */
    readonly share: number;
  };
  readonly log: { readonly level: LogLevel };
}

type Name = keyof typeof variables;
type Values = {
  [N in Name]: (typeof variables)[N] extends Variable<infer T> ? T | undefined : never;
};

/** The settings are invalid. `problems` has one sentence for each problem. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const list = problems.map((problem) => `  - ${problem}`).join('\n');
    super(`The configuration has ${problems.length} problem(s):\n${list}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * Returns true when npm started this process. npm forwards signals but does not report its own end.
 */
export const startedByNpm = (): boolean => process.env['npm_lifecycle_event'] !== undefined;

/** Returns the directories of the PATH variable. */
export const searchPath = (): string[] =>
  (process.env['PATH'] ?? '').split(delimiter).filter((directory) => directory !== '');

/**
 * Returns the environment for a child process: the environment of this process with some variables
 * changed.
 */
export const childEnvironment = (set: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...process.env,
  ...set,
});

/**
 * Reads the environment of the process and the `.env` file of the working directory. The file is
 * used for variables that the environment does not set. Throws one ConfigError with all problems.
 */
export function loadConfig(): Config {
  const { environment, cut } = readEnvironment();
  const warnings = [...checkNames(Object.keys(environment)).unknown, ...cut.map(cutSentence)];
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  return readConfig(environment);
}

/**
 * Returns the absolute path in SAMBATAN_LOCALES_DIR. This setting is read before the others,
 * because many modules need the languages while they are loaded.
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
 * Converts environment variables to the configuration. An empty variable counts as not set. Throws
 * one ConfigError with all problems.
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
    publicLog: {
      name: values.SAMBATAN_LOG_NAME,
      key: values.SAMBATAN_LOG_KEY,
      witnessUrls: values.SAMBATAN_LOG_WITNESS_URLS ?? [],
      witnessFile: values.SAMBATAN_LOG_WITNESS_FILE,
    },
    traces: {
      url: values.OTEL_EXPORTER_OTLP_ENDPOINT,
      headers: values.OTEL_EXPORTER_OTLP_HEADERS ?? {},
      serviceName: present(values.OTEL_SERVICE_NAME),
      share: present(values.OTEL_TRACES_SAMPLER_ARG),
    },
    log: { level: present(values.LOG_LEVEL) },
  });
}

/** Returns the text of the file `.env.example`: every variable with its explanation and default. */
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

/**
 * Returns the addresses of Midtrans for the chosen environment, unless another address is
 * configured.
 */
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
    const isFreezable = typeof part === 'object' && part !== null && !ArrayBuffer.isView(part);
    if (isFreezable) deepFreeze(part as object);
  }
  return Object.freeze(value);
}
