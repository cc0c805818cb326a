import type { Logger } from 'pino';
import { withOperatorRole } from '../accounts/operators.ts';
import { sessionFinder, type SessionFinder } from '../accounts/sessions.ts';
import { factorKey } from '../accounts/mfa/codes.ts';
import { databaseTime } from '../accounts/mfa/second-factor.ts';
import { codeSecret, type SignInDeps } from '../accounts/sign-in/sign-in.ts';
import type { LoadSignal } from '../audit/event-consumer.ts';
import { ChangeNotifier } from '../audit/change-notifier.ts';
import type { Config } from '../config/config.ts';
import { openDatabase, type Database } from '../database/pool.ts';
import { query } from '../database/query.ts';
import { WaitingPlaces } from '../overload/waiting-place.ts';
import { ConcurrencyLimiter } from '../overload/concurrency-limit.ts';
import { KeptForms } from '../http/kept-form.ts';
import { liveSources } from '../server/live-sources.ts';
import { LiveUpdates } from '../live/live-updates.ts';
import { authenticator, type Authenticator } from '../identity/authenticate.ts';
import { isQuarantined } from '../quarantine/queries.ts';
import { midtrans } from '../ledger/gateway/midtrans.ts';
import { Reconciler } from '../ledger/gateway/reconcile.ts';
import { StatementImporter } from '../ledger/bank-statements/importer.ts';
import { Scheduler } from '../lifecycle/scheduler.ts';
import type { Job } from '../jobs/loop.ts';
import { createMailer, type Mailer } from '../mail/mailer.ts';
import { createMetrics, type Metrics } from '../observability/metrics.ts';
import {
  NotificationService,
  type NotificationServiceOptions,
} from '../notifications/messenger.ts';
import { configuredLogName, keySource } from '../public-log/key-source.ts';
import { SumTrees } from '../public-log/sum-trees.ts';
import { markChangedSums, SumPublisher } from '../public-log/sums.ts';
import { UnsubscribeTokens } from '../notifications/unsubscribe.ts';
import { WebhookSender } from '../notifications/webhooks/webhooks.ts';
import { JoinBatcher, type SendBatch } from '../participations/batcher.ts';
import { joinAll, type JoinRequest } from '../participations/join.ts';
import { outboxPath } from '../pages/account/outbox.ts';
import { MailBudget, RateLimiter, type MailKind } from '../overload/rate-limiter.ts';
import { traced, type Span, type Trace } from '../observability/trace.ts';
import { Monitor } from '../monitor/monitor.ts';
import { WitnessSender } from '../public-log/witnesses.ts';
import { LogWriter } from '../public-log/writer.ts';
import type { GatewayDeps } from '../ledger/gateway/deps.ts';

/** The parts of a running service. They are created once and passed to the code that needs them. */
export interface App {
  readonly config: Config;
  readonly db: Database;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Creates traces; undefined when tracing is not configured. */
  readonly trace: Trace | undefined;
  /** Limits how many requests run at the same time. */
  readonly concurrencyLimiter: ConcurrencyLimiter;
  readonly joins: JoinBatcher;
  readonly changeNotifier: ChangeNotifier;
  /**
   * All background jobs in the order in which they are started. Only processes with a worker start
   * them.
   */
  readonly jobs: readonly Job[];
  /**
   * The scheduler. Its functions can also be called in a process in which the job was not started.
   */
  readonly scheduler: Scheduler;
  readonly monitor: Monitor;
  /**
   * The dependencies of online payments. Without a payment provider, online payments are refused.
   */
  readonly payments: GatewayDeps;
  readonly reconciler: Reconciler;
  /**
   * Imports statements. A request runs its own import, also in a process in which the job was not
   * started.
   */
  readonly importer: StatementImporter;
  readonly authenticate: Authenticator;
  readonly live: LiveUpdates;
  readonly mailer: Mailer;
  readonly limiter: RateLimiter;
  readonly budget: MailBudget;
  /**
   * The path of the page that shows e-mails when there is no mail server. The path contains a
   * secret.
   */
  readonly outboxPath: string;
  /** The address with which links in e-mails begin, without a final slash. */
  readonly siteUrl: string;
  /** Finds the user of a session token. */
  readonly findSession: SessionFinder;
  readonly signIn: SignInDeps;
  readonly notifications: NotificationService;
  readonly sums: SumPublisher;
  /** The sum trees of the public log, for the proofs of buyers. */
  readonly sumTrees: SumTrees;
  /** Builds the public log, if the job was started. */
  readonly logWriter: LogWriter;
  /** Sends checkpoints to the witnesses, if the job was started. */
  readonly witnesses: WitnessSender;
  readonly unsubscribeTokens: UnsubscribeTokens;
  /** Keeps what users typed into a form while they sign in again. */
  readonly keptForms: KeptForms;
  /** Signs the places of visitors who wait because the service is overloaded. */
  readonly waitingPlaces: WaitingPlaces;
  /** Queries the database on a separate connection, so that it works even when the pool is busy. */
  readonly pingDatabase: () => Promise<unknown>;
  readonly isQuarantined: () => Promise<boolean>;
  close(): Promise<void>;
}

export interface AppOptions {
  readonly config: Config;
  readonly log: Logger;
  /** The URL of the database: configured, or of the embedded server that was started. */
  readonly databaseUrl: string;
  readonly serviceKey: string;
  /**
   * The secret from which other keys are derived: for encrypting secrets, and for signing codes and
   * links. The default is `serviceKey`.
   */
  readonly secretKey?: string;
  /** Creates and exports traces, if tracing is configured. */
  readonly trace?: Trace | undefined;
  /** Settings of the join batcher that tests and benchmarks change. */
  readonly batching?: Partial<typeof batching>;
}

/** Settings of the join batcher; `npm run bench` measured which work best. */
const batching = {
  maxBatch: 500,
  maxQueued: 10_000,
  maxQueuedPerCampaign: 5_000,
  concurrency: 2,
  waitingConcurrency: 3,
};

/**
 * Maximum delay of notifications, in milliseconds, while many joins or closings are in progress.
 */
const maxNotificationDelayMs = 10_000;

/**
 * Interval in milliseconds at which campaigns on live pages are polled. It is shorter where the
 * database sends no notifications.
 */
const livePollMs = { notified: 5_000, polled: 1_000 };

const ping = query<[], { readonly alive: number }>('ping', 'select 1 as alive');

/**
 * Creates the application. It connects to the database when it is first used, and starts no jobs.
 */
export function createApp(options: AppOptions): App {
  const { config, log, databaseUrl, serviceKey, secretKey = serviceKey, trace } = options;
  const { concurrencyLimiter, db } = openLimitedDatabase(options, (campaignId) =>
    changeNotifier.notifyChanged(campaignId),
  );
  const probe = openDatabase({ url: databaseUrl, maxConnections: 1, log });
  const changeNotifier: ChangeNotifier = new ChangeNotifier(db, log);
  const metrics: Metrics = createMetrics({
    poolStats: () => db.stats(),
    joinQueueDepth: () => joins.depth,
    concurrencyLimiter,
  });
  const joins: JoinBatcher = createJoins(
    { config, db, metrics, changeNotifier, concurrencyLimiter, trace },
    options.batching,
  );
  const paysOnline = config.gateway.midtrans !== undefined;
  const core = { db, changeNotifier, log, metrics };
  const scheduler = new Scheduler({ ...core, trace, paysOnline, ...config.scheduler });
  const online = createPayments({ config, db, log });
  const live = openLive(core);
  const mailer = createMailer(config);
  const limited = createRateLimits({ config, metrics, secretKey });
  const siteUrl = siteUrlOf(config);
  const watch = new Monitor({ db, url: databaseUrl, log, metrics, ...limited, ...config.watch });
  const unsubscribeTokens = new UnsubscribeTokens(secretKey);
  const messages = createNotifications(config, {
    ...core,
    mailer,
    links: { siteUrl, tokens: unsubscribeTokens },
    loadSignal: loadSignal(joins, scheduler),
  });
  const publicLog = openPublicLog(core, config);
  const { logWriter, sums, witnesses } = publicLog;
  const moneyJobs = [online.reconciler, online.importer];
  const jobs = [scheduler, messages, watch, ...moneyJobs, logWriter, sums, witnesses];
  return {
    config,
    db,
    log,
    metrics,
    trace,
    concurrencyLimiter,
    joins,
    changeNotifier,
    jobs,
    scheduler,
    monitor: watch,
    ...online,
    live,
    mailer,
    outboxPath: outboxPath(secretKey),
    siteUrl,
    findSession: sessionFinder(db, config.identity),
    signIn: { db, mailer, now: databaseTime, ...limited, ...signInKeys(secretKey) },
    ...limited,
    notifications: messages,
    ...publicLog,
    unsubscribeTokens,
    ...visitorCookies(config, serviceKey),
    authenticate: createAuthenticator({ config, db, serviceKey }),
    pingDatabase: () => probe.one(ping),
    isQuarantined: async () => (await probe.one(isQuarantined)).quarantined,
    close: () => closeParts({ jobs, joins, changeNotifier, mailer, live, db, probe }),
  };
}

/** Creates the service for notifications, which also handles the events of the audit log. */
function createNotifications(
  config: Config,
  parts: Omit<NotificationServiceOptions, 'digestSeconds' | 'webhooks' | 'onEvents'>,
): NotificationService {
  return new NotificationService({
    ...parts,
    digestSeconds: config.messages.digestMinutes * 60,
    webhooks: new WebhookSender(config.webhooks),
    onEvents: markChangedSums,
  });
}

/** Creates the parts for the public log. */
function openPublicLog(
  core: Pick<App, 'db' | 'changeNotifier' | 'log' | 'metrics'>,
  config: Config,
) {
  const { db, log } = core;
  const keys = { keySource: keySource(config), logName: configuredLogName(config) };
  return {
    logWriter: new LogWriter({ ...core, ...keys }),
    witnesses: new WitnessSender({ ...core, ...config.publicLog, rules: config.webhooks }),
    sums: new SumPublisher({ db, log, ...keys }),
    sumTrees: new SumTrees(db),
  };
}

/** Stops the jobs first, and closes the database connections last. */
async function closeParts(
  parts: Pick<App, 'jobs' | 'joins' | 'changeNotifier' | 'mailer' | 'live' | 'db'> & {
    readonly probe: Database;
  },
): Promise<void> {
  const { jobs, joins, changeNotifier, mailer, live, db, probe } = parts;
  live.close();
  await Promise.all(jobs.map((job) => job.stop()));
  await joins.close();
  await Promise.all([changeNotifier.stop(), mailer.close()]);
  await Promise.all([db.close(), probe.close()]);
}

/** Creates the source of live updates of campaigns. */
function openLive(parts: Pick<App, 'db' | 'changeNotifier' | 'log' | 'metrics'>): LiveUpdates {
  const pollMs = parts.db.canListen ? livePollMs.notified : livePollMs.polled;
  return new LiveUpdates(liveSources(parts), { pollMs });
}

/** Creates the rate limiter and the limit of e-mails. */
function createRateLimits({
  config,
  metrics,
  secretKey,
}: Pick<App, 'config' | 'metrics'> & { readonly secretKey: string }) {
  const onRefused = (kind: MailKind) => metrics.mailsRefused.inc({ kind });
  return {
    limiter: new RateLimiter(codeSecret(secretKey)),
    budget: new MailBudget({ ...config.mail, onRefused }),
  };
}

/** Derives the keys for sign-in from the secret key. */
function signInKeys(secretKey: string): Pick<SignInDeps, 'secret' | 'factorKey'> {
  return { secret: codeSecret(secretKey), factorKey: factorKey(secretKey) };
}

/** Creates the function that checks the tokens of API requests. */
function createAuthenticator(parts: Pick<App, 'config' | 'db'> & { readonly serviceKey: string }) {
  const { config, db, serviceKey } = parts;
  const check = authenticator({ ...config.identity, serviceKey });
  return withOperatorRole(check, db, { needFactor: config.identity.operatorsNeedFactor });
}

/**
 * Creates the limit of concurrent requests, and the database. The database reports to the limit how
 * long callers wait for a connection.
 */
function openLimitedDatabase(
  { config, log, databaseUrl: url, trace }: AppOptions,
  onChanged: (campaignId: string) => void,
): Pick<App, 'concurrencyLimiter' | 'db'> {
  const concurrencyLimiter = new ConcurrencyLimiter({
    maxInFlight: config.http.maxInFlight,
    onShed: (sheds, limit) =>
      log.warn({ sheds, limit }, 'concurrency limit reached; requests are shed'),
  });
  const onWait = (milliseconds: number) => concurrencyLimiter.waited('connection', milliseconds);
  return { concurrencyLimiter, db: openDatabase({ url, log, onWait, trace, onChanged }) };
}

/** Creates the batcher of joins. */
function createJoins(
  parts: Pick<App, 'config' | 'db' | 'metrics' | 'changeNotifier' | 'concurrencyLimiter' | 'trace'>,
  overrides: AppOptions['batching'],
): JoinBatcher {
  const { config, db, metrics, changeNotifier, concurrencyLimiter, trace } = parts;
  const attemptLimit = config.joins.limitPerMinute;
  return new JoinBatcher({
    ...batching,
    ...overrides,
    ...traceBatches(trace, (requests, how) => joinAll(db, requests, { ...how, attemptLimit })),
    onWait: (milliseconds) => concurrencyLimiter.waited('batch', milliseconds),
    onBatch: (size) => metrics.joinBatchSize.observe(size),
    onJoined: (campaignId) => changeNotifier.notifyChanged(campaignId),
  });
}

/**
 * Makes the span of a batch a child of the first request's span, and links it to the spans of the
 * other requests.
 */
function traceBatches(trace: Trace | undefined, send: SendBatch) {
  if (trace === undefined) return { send };
  const spans = new WeakMap<JoinRequest, Span>();
  const onJoin = (request: JoinRequest): void => {
    const span = trace.current();
    if (span !== undefined) spans.set(request, span);
  };
  const sendTraced: SendBatch = (requests, how) => {
    const [parent = null, ...links] = requests.flatMap((request) => spans.get(request) ?? []);
    const attributes = { 'sambatan.batch.size': requests.length };
    return traced(trace, 'join batch', { parent, links, attributes }, () => send(requests, how));
  };
  return { send: sendTraced, onJoin };
}

/**
 * Creates the parts for incoming money: online payments (refused when no provider is configured)
 * and imports of statements.
 */
function createPayments(parts: { config: Config; db: Database; log: Logger }) {
  const { config, db, log } = parts;
  const { midtrans: settings } = config.gateway;
  const payments: GatewayDeps = {
    db,
    gateway: settings && midtrans(settings),
  };
  const importer = new StatementImporter({ db, log });
  return { payments, reconciler: new Reconciler(payments, log), importer };
}

/**
 * Reports overload while many joins or closings are in progress, because they are more important
 * than notifications.
 */
function loadSignal(joins: JoinBatcher, scheduler: Scheduler): LoadSignal {
  return {
    isOverloaded: () => joins.isUnderLoad || scheduler.isBusy,
    maxDelayMs: maxNotificationDelayMs,
  };
}

/**
 * Returns the address with which links in e-mails begin: the configured public address, or else the
 * address on which this process listens.
 */
function siteUrlOf({ http: { publicUrl, host, port } }: Config): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return publicUrl ?? `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** What the service stores in signed or encrypted cookies of browsers. */
function visitorCookies(config: Config, serviceKey: string) {
  const isSecure = config.http.publicUrl?.startsWith('https:') === true;
  return {
    keptForms: new KeptForms(serviceKey),
    waitingPlaces: new WaitingPlaces(serviceKey, isSecure),
  };
}
