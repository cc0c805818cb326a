import { EventConsumer, type LoadSignal } from '../audit/event-consumer.ts';
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
  readonly crowd: LoadSignal;
}

export interface NotificationServiceStatus {
  readonly isRunning: boolean;
  /** Seconds for which the oldest delivery that is due has waited; at the last look. */
  readonly lagSeconds: number;
  /** Why it does not get on, if it does not. */
  readonly failure: string | null;
}

/** How often digests, reminders and steps of what everybody is told are looked for. */
const choresEveryMs = 1_000;
const tidyEveryMs = 3_600_000;
const atOnce = 100;

/**
 * Tells people and programs what happened: turns audit events into messages, gives reminders and
 * digests their time, and delivers. Any number of processes may run it on one database.
 */
export class NotificationService implements Job {
  readonly #options: NotificationServiceOptions;
  readonly #feed: EventConsumer;
  readonly #deliverers: readonly Pick<Deliverer<Claimed>, 'start' | 'stop' | 'wake'>[];
  readonly #loop: Loop;
  readonly #turns = new SerialQueue();
  #lagSeconds = 0;
  #tidyDueAt = 0;
  /** Until it is known that this is the real database, nothing leaves it. */
  #isHeld = true;

  constructor(options: NotificationServiceOptions) {
    this.#options = options;
    this.#loop = new Loop({
      pass: () => this.#pass(),
      onError: (error) => log.warn({ err: error }, 'reminders and digests failed; retrying'),
      retryMs: [choresEveryMs, choresEveryMs],
    });
    const { db, changeNotifier, log, metrics, mailer, links, webhooks, digestSeconds, crowd } =
      options;
    const onOutcome = (channel: Channel, outcome: Outcome['kind']) =>
      metrics.deliveries.inc({ channel, outcome });
    const held = () => this.#isHeld;
    this.#deliverers = [
      new Deliverer({
        db,
        log,
        onOutcome,
        isHeld: held,
        carrier: emailTransport(db, mailer, links),
      }),
      new Deliverer({ db, log, onOutcome, isHeld: held, carrier: webhookTransport(db, webhooks) }),
    ];
    this.#feed = new EventConsumer({
      db,
      changeNotifier,
      log,
      handle: eventHandler({ digestSeconds }),
      load: crowd,
      onHandled: () => this.#wakeDeliverers(),
    });
  }

  status(): NotificationServiceStatus {
    const failure = this.#loop.failure ?? this.#feed.failure;
    const isRunning = failure === null;
    return { isRunning, lagSeconds: this.#lagSeconds, failure };
  }

  start(): void {
    this.#feed.start();
    for (const deliverer of this.#deliverers) deliverer.start();
    this.#loop.markRunning();
    this.#loop.start();
  }

  /** Ends after the transactions and the attempts under way. Idempotent. */
  async stop(): Promise<void> {
    await Promise.all([
      this.#feed.stop(),
      this.#loop.stop(),
      ...this.#deliverers.map((deliverer) => deliverer.stop()),
    ]);
    this.#options.webhooks.close();
  }

  /** Everything there is to tell now is planned, by hand; throws what failed. */
  async plan(): Promise<void> {
    await this.#feed.drain();
    await this.#turns.run(() => this.#chores());
  }

  #wakeDeliverers(): void {
    for (const deliverer of this.#deliverers) deliverer.wake();
  }

  async #pass(): Promise<number> {
    this.#isHeld = (await this.#options.db.one(isQuarantined)).quarantined;
    await this.#turns.run(() => this.#chores());
    await this.#tidy();
    return choresEveryMs;
  }

  async #chores(): Promise<void> {
    const { db, metrics } = this.#options;
    const failures: unknown[] = [];
    /** What goes wrong with one does not keep the others from theirs, and is thrown at the end. */
    const safely = async (chore: () => Promise<void>): Promise<void> => {
      try {
        await chore();
      } catch (error) {
        if (isWithoutConnection(error)) throw error;
        failures.push(error);
      }
    };
    await safely(async () => {
      while ((await db.transaction(scheduleReminders)) && !this.#loop.isStopping);
    });
    for (const { campaign_id: campaignId } of await db.rows(listDigests, atOnce)) {
      await safely(() => db.transaction((tx) => sendDigest(tx, campaignId)));
    }
    for (const { campaign_id: campaignId, seq } of await db.rows(listFanouts, atOnce)) {
      await safely(async () => {
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

  async #tidy(): Promise<void> {
    if (performance.now() < this.#tidyDueAt) return;
    this.#tidyDueAt = performance.now() + tidyEveryMs;
    for (const statement of Object.values(deleteOldMessages))
      await this.#options.db.rows(statement);
  }
}
