import { EventConsumer, type EventHandler, type LoadSignal } from '../audit/event-consumer.ts';
import type { ChangeNotifier } from '../audit/change-notifier.ts';
import { isWithoutConnection } from '../database/errors.ts';
import type { Database } from '../database/pool.ts';
import type { Log } from '../database/log.ts';
import type { Mailer } from '../mail/mailer.ts';
import type { Metrics } from '../observability/metrics.ts';
import { isQuarantined } from '../quarantine/queries.ts';
import { Loop, type Job } from '../jobs/loop.ts';
import { SerialQueue } from '../jobs/serial-queue.ts';
import { emailTransport, webhookTransport } from './transports.ts';
import { Deliverer, type Outcome } from './deliveries.ts';
import { outboxLag, deleteOldMessages, type Channel, type Claimed } from './delivery-queries.ts';
import type { EmailLinks } from './email.ts';
import { fanOut, eventHandler, sendDigest } from './handle-events.ts';
import { listDigests, listFanouts } from './queries.ts';
import { scheduleReminders } from './reminders.ts';
import type { WebhookSender } from './webhooks/webhooks.ts';

export interface NotificationServiceOptions {
  readonly db: Database;
  readonly changeNotifier: ChangeNotifier;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly mailer: Mailer;
  readonly links: EmailLinks;
  readonly digestSeconds: number;
  readonly webhooks: WebhookSender;
  readonly loadSignal: LoadSignal;
  /** Also called with all events, in the transaction that creates their notifications. */
  readonly onEvents?: EventHandler;
}

export interface NotificationServiceStatus {
  readonly isRunning: boolean;
  /** The maximum time in seconds for which a pending delivery had been due at the last check. */
  readonly lagSeconds: number;
  /** The reason why the service is not working, or null. */
  readonly failure: string | null;
}

/**
 * Interval in milliseconds at which the service sends digests, reminders and notifications to all
 * participants.
 */
const stepsEveryMs = 1_000;
const deleteEveryMs = 3_600_000;
const atOnce = 100;

/**
 * Creates notifications for audit events, schedules reminders and digests, and sends e-mails and
 * webhooks. Several processes may run this service on one database.
 */
export class NotificationService implements Job {
  readonly #options: NotificationServiceOptions;
  readonly #consumer: EventConsumer;
  readonly #deliverers: readonly Pick<Deliverer<Claimed>, 'start' | 'stop' | 'wake'>[];
  readonly #loop: Loop;
  readonly #mutex = new SerialQueue();
  #lagSeconds = 0;
  #deleteDueAt = 0;
  /**
   * True until a query has shown that the database is not in quarantine. While it is true, nothing
   * is sent.
   */
  #isQuarantined = true;

  constructor(options: NotificationServiceOptions) {
    this.#options = options;
    this.#loop = new Loop({
      pass: () => this.#pass(),
      onError: (error) =>
        log.warn({ err: error }, 'reminders and digests failed; they are retried'),
      retryMs: [stepsEveryMs, stepsEveryMs],
    });
    const { db, changeNotifier, log, metrics, mailer, links, webhooks, digestSeconds, loadSignal } =
      options;
    const onOutcome = (channel: Channel, outcome: Outcome['kind']) =>
      metrics.deliveries.inc({ channel, outcome });
    const shared = { db, log, onOutcome, isQuarantined: () => this.#isQuarantined };
    this.#deliverers = [
      new Deliverer({ ...shared, transport: emailTransport(db, mailer, links) }),
      new Deliverer({ ...shared, transport: webhookTransport(db, webhooks) }),
    ];
    const notify = eventHandler({ digestSeconds });
    this.#consumer = new EventConsumer({
      db,
      changeNotifier,
      log,
      handle: async (tx, campaignId, events) => {
        await notify(tx, campaignId, events);
        await options.onEvents?.(tx, campaignId, events);
      },
      load: loadSignal,
      onHandled: () => this.#wakeDeliverers(),
    });
  }

  status(): NotificationServiceStatus {
    const failure = this.#loop.failure ?? this.#consumer.failure;
    const isRunning = failure === null;
    return { isRunning, lagSeconds: this.#lagSeconds, failure };
  }

  start(): void {
    this.#consumer.start();
    for (const deliverer of this.#deliverers) deliverer.start();
    this.#loop.markRunning();
    this.#loop.start();
  }

  /** Resolves when the transactions and attempts in progress have ended. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all([
      this.#consumer.stop(),
      this.#loop.stop(),
      ...this.#deliverers.map((deliverer) => deliverer.stop()),
    ]);
    this.#options.webhooks.close();
  }

  /**
   * Creates all notifications that are due now, without waiting for the next pass; throws the first
   * failure.
   */
  async plan(): Promise<void> {
    await this.#consumer.drain();
    await this.#mutex.run(() => this.#runSteps());
  }

  #wakeDeliverers(): void {
    for (const deliverer of this.#deliverers) deliverer.wake();
  }

  async #pass(): Promise<number> {
    this.#isQuarantined = (await this.#options.db.one(isQuarantined)).quarantined;
    await this.#mutex.run(() => this.#runSteps());
    await this.#deleteOld();
    return stepsEveryMs;
  }

  async #runSteps(): Promise<void> {
    const { db, metrics } = this.#options;
    const failures: unknown[] = [];
    /**
     * Runs one step. If a step fails, the other steps still run, and the first error is thrown at
     * the end.
     */
    const tryStep = async (step: () => Promise<void>): Promise<void> => {
      try {
        await step();
      } catch (error) {
        if (isWithoutConnection(error)) throw error;
        failures.push(error);
      }
    };
    await tryStep(async () => {
      while ((await db.transaction(scheduleReminders)) && !this.#loop.isStopping);
    });
    for (const { campaign_id: campaignId } of await db.rows(listDigests, atOnce)) {
      await tryStep(() => db.transaction((tx) => sendDigest(tx, campaignId)));
    }
    for (const { campaign_id: campaignId, seq } of await db.rows(listFanouts, atOnce)) {
      await tryStep(async () => {
        while (
          (await db.transaction((tx) => fanOut(tx, campaignId, seq))) &&
          !this.#loop.isStopping
        ) {
          this.#wakeDeliverers();
        }
      });
    }
    this.#wakeDeliverers();
    this.#lagSeconds = (await db.one(outboxLag)).lag_seconds;
    metrics.outboxLag.set(this.#lagSeconds);
    if (failures.length > 0) throw failures[0];
  }

  async #deleteOld(): Promise<void> {
    if (performance.now() < this.#deleteDueAt) return;
    this.#deleteDueAt = performance.now() + deleteEveryMs;
    for (const statement of Object.values(deleteOldMessages))
      await this.#options.db.rows(statement);
  }
}
