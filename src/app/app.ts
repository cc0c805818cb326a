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
import { ConcurrencyLimiter } from '../overload/concurrency-limit.ts';
import { KeptForms } from '../http/kept-form.ts';
import { liveSources } from '../server/live-sources.ts';
import { LiveUpdates } from '../live/live-updates.ts';
import { authenticator, type Authenticator } from '../identity/authenticate.ts';
import { isQuarantined } from '../quarantine/queries.ts';
import { midtrans } from '../ledger/gateway/midtrans.ts';
import type { GatewayDeps } from '../ledger/gateway/operations.ts';
import { Reconciler } from '../ledger/gateway/reconcile.ts';
import { StatementImporter } from '../ledger/bank-statements/importer.ts';
import { Scheduler } from '../lifecycle/scheduler.ts';
import type { Job } from '../jobs/loop.ts';
import { createMailer, type Mailer } from '../mail/mailer.ts';
import { createMetrics, type Metrics } from '../observability/metrics.ts';
import { NotificationService } from '../notifications/messenger.ts';
import { UnsubscribeTokens } from '../notifications/unsubscribe.ts';
import { WebhookSender } from '../notifications/webhooks/webhooks.ts';
import { JoinBatcher, type SendBatch } from '../participations/batcher.ts';
import { joinAll, type JoinRequest } from '../participations/join.ts';
import { outboxPath } from '../pages/account/outbox.ts';
import { MailBudget, RateLimiter, type MailKind } from '../overload/rate-limiter.ts';
import { traced, type Span, type Trace } from '../observability/trace.ts';
import { Monitor } from '../monitor/monitor.ts';

/** Everything a running service is made of, built once and passed on. */
export interface App {
  readonly config: Config;
  readonly db: Database;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Undefined unless traces were asked for. */
  readonly trace: Trace | undefined;
  /** How many requests are answered at once. */
  readonly admission: ConcurrencyLimiter;
  readonly joins: JoinBatcher;
  readonly changeNotifier: ChangeNotifier;
  /** All background services, in the order in which they start. A process with a worker starts them. */
  readonly jobs: readonly Job[];
  /** Runs by hand also where it was not started. */
  readonly scheduler: Scheduler;
  readonly monitor: Monitor;
  /** What payments online need; without a provider they are refused. */
  readonly payments: GatewayDeps;
  readonly reconciler: Reconciler;
  /** Requests drive their own imports also where it was not started. */
  readonly importer: StatementImporter;
  readonly authenticate: Authenticator;
  readonly live: LiveUpdates;
  readonly mailer: Mailer;
  readonly limiter: RateLimiter;
  readonly budget: MailBudget;
  /** Path of the page with captured mails, its secret included; in use without a mail server. */
  readonly outboxPath: string;
  /** Where links in mails lead, without a slash at the end. */
  readonly siteUrl: string;
  /** Whose a session of the site is. */
  readonly findSession: SessionFinder;
  readonly signIn: SignInDeps;
  readonly notifications: NotificationService;
  readonly unsubscribeTokens: UnsubscribeTokens;
  /** What was typed into forms by people who have to sign in again. */
  readonly keptForms: KeptForms;
  /** Asks the database on a connection of its own, which no busy pool can keep waiting. */
  readonly pingDatabase: () => Promise<unknown>;
  readonly isHeld: () => Promise<boolean>;
  close(): Promise<void>;
}

export interface AppOptions {
  readonly config: Config;
  readonly log: Logger;
  /** The database to use: the configured one, or the embedded one that was started. */
  readonly databaseUrl: string;
  readonly serviceKey: string;
  /** Derives the keys that encrypt stored secrets and sign codes and links; default: serviceKey. */
  readonly secretKey?: string;
  /** Where traces go, if they were asked for. */
  readonly trace?: Trace | undefined;
  /** What a benchmark or a test has otherwise: how joins travel. */
  readonly batching?: Partial<typeof batching>;
}

/** How joins travel, unless told otherwise; measured by `npm run bench`. */
const batching = {
  maxBatch: 500,
  maxQueued: 10_000,
  maxQueuedPerCampaign: 5_000,
  concurrency: 2,
  waitingConcurrency: 3,
};

/** What there is to tell waits while joins come in crowds or many campaigns close, so long at most. */
const patienceMs = 10_000;

/** Where the database cannot tell us of changes, watched campaigns are looked at this often. */
const livePollMs = { told: 5_000, untold: 1_000 };

const ping = query<[], { readonly alive: number }>('ping', 'select 1 as alive');

/** Builds the application; it uses the database from its first use on and starts nothing itself. */
export function createApp(options: AppOptions): App {
  const { config, log, databaseUrl, serviceKey, secretKey = serviceKey, trace } = options;
  const { admission, db } = admitted(options, (campaignId) =>
    changeNotifier.notifyChanged(campaignId),
  );
  const probe = openDatabase({ url: databaseUrl, maxConnections: 1, log });
  const changeNotifier: ChangeNotifier = new ChangeNotifier(db, log);
  const metrics: Metrics = createMetrics({
    poolStats: () => db.stats(),
    joinQueueDepth: () => joins.depth,
    admission,
  });
  const joins: JoinBatcher = createJoins(
    { config, db, metrics, changeNotifier, admission, trace },
    options.batching,
  );
  const paysOnline = config.gateway.midtrans !== undefined;
  const core = { db, changeNotifier, log, metrics };
  const scheduler = new Scheduler({ ...core, trace, paysOnline, ...config.scheduler });
  const online = paymentsOnline({ config, db, log });
  const live = openLive(core);
  const mailer = createMailer(config);
  const limited = rateLimits({ config, metrics, secretKey });
  const siteUrl = siteUrlOf(config);
  const watch = new Monitor({ db, url: databaseUrl, log, metrics, ...limited, ...config.watch });
  const unsubscribeTokens = new UnsubscribeTokens(secretKey);
  const messages = new NotificationService({
    ...core,
    mailer,
    links: { siteUrl, tokens: unsubscribeTokens },
    digestSeconds: config.messages.digestMinutes * 60,
    webhooks: new WebhookSender(config.webhooks),
    crowd: firstThings(joins, scheduler),
  });
  const jobs = [scheduler, messages, watch, online.reconciler, online.importer];
  return {
    config,
    db,
    log,
    metrics,
    trace,
    admission,
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
    unsubscribeTokens,
    keptForms: new KeptForms(serviceKey),
    authenticate: callers({ config, db, serviceKey }),
    pingDatabase: () => probe.one(ping),
    isHeld: async () => (await probe.one(isQuarantined)).quarantined,
    close: async () => {
      live.close();
      await Promise.all(jobs.map((job) => job.stop()));
      await joins.close();
      await Promise.all([changeNotifier.stop(), mailer.close()]);
      await Promise.all([db.close(), probe.close()]);
    },
  };
}

/** Watches campaigns for event streams. */
function openLive(parts: Pick<App, 'db' | 'changeNotifier' | 'log' | 'metrics'>): LiveUpdates {
  const pollMs = parts.db.canListen ? livePollMs.told : livePollMs.untold;
  return new LiveUpdates(liveSources(parts), { pollMs });
}

/** Counts what people and the whole service may do in a time. */
function rateLimits({
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

/** The keys for signing in, derived from the secret key. */
function signInKeys(secretKey: string): Pick<SignInDeps, 'secret' | 'factorKey'> {
  return { secret: codeSecret(secretKey), factorKey: factorKey(secretKey) };
}

/** The check of callers by their tokens. */
function callers(parts: Pick<App, 'config' | 'db'> & { readonly serviceKey: string }) {
  const { config, db, serviceKey } = parts;
  const check = authenticator({ ...config.identity, serviceKey });
  return withOperatorRole(check, db, { needFactor: config.identity.operatorsNeedFactor });
}

/** The bound of requests in flight, and the database that it learns from. */
function admitted(
  { config, log, databaseUrl: url, trace }: AppOptions,
  onChanged: (campaignId: string) => void,
): Pick<App, 'admission' | 'db'> {
  const admission = new ConcurrencyLimiter({
    maxInFlight: config.http.maxInFlight,
    onShed: (sheds, limit) => log.warn({ sheds, limit }, 'too much at once; requests are shed'),
  });
  const onWait = (milliseconds: number) => admission.waited('connection', milliseconds);
  return { admission, db: openDatabase({ url, log, onWait, trace, onChanged }) };
}

/** Takes joins in batches, however few or many are told to share one. */
function createJoins(
  parts: Pick<App, 'config' | 'db' | 'metrics' | 'changeNotifier' | 'admission' | 'trace'>,
  told: AppOptions['batching'],
): JoinBatcher {
  const { config, db, metrics, changeNotifier, admission, trace } = parts;
  const attemptLimit = config.joins.limitPerMinute;
  return new JoinBatcher({
    ...batching,
    ...told,
    ...inTraces(trace, (requests, how) => joinAll(db, requests, { ...how, attemptLimit })),
    onWait: (milliseconds) => admission.waited('batch', milliseconds),
    onBatch: (size) => metrics.joinBatchSize.observe(size),
    onJoined: (campaignId) => changeNotifier.notifyChanged(campaignId),
  });
}

/** A batch is part of the trace of its first request, and linked to those of the others. */
function inTraces(trace: Trace | undefined, send: SendBatch) {
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

/** What brings money in: payments online (no provider where none is configured), statements. */
function paymentsOnline(parts: { config: Config; db: Database; log: Logger }) {
  const { config, db, log } = parts;
  const { midtrans: settings } = config.gateway;
  const payments: GatewayDeps = {
    db,
    gateway: settings && midtrans(settings),
  };
  const importer = new StatementImporter({ db, log });
  return { payments, reconciler: new Reconciler(payments, log), importer };
}

/** Whether joins come in crowds or campaigns are closed just now: that goes first. */
function firstThings(joins: JoinBatcher, scheduler: Scheduler): LoadSignal {
  return { isOverloaded: () => joins.isUnderLoad || scheduler.isBusy, maxDelayMs: patienceMs };
}

/** Where links in mails lead when nobody has said where the site is reached: here. */
function siteUrlOf({ http: { publicUrl, host, port } }: Config): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return publicUrl ?? `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
