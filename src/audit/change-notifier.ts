import type { Database } from '../database/pool.ts';
import type { Log } from '../database/log.ts';
import { query } from '../database/query.ts';

const channel = 'sambatan_changed';
/** Minimum interval between two NOTIFYs of this process, in milliseconds. */
const gatherMs = 50;
/**
 * Maximum number of ids in one NOTIFY. Its payload must be shorter than 8,000 bytes; an id with a
 * comma needs 37.
 */
const idsPerNotify = 200;

const notify = query<[channel: string, payload: string], never>(
  'notify',
  'select pg_notify($1, $2)',
);

type OnChange = (campaignId: string | null) => void;

/**
 * Notifies subscribers when a campaign has changed, after the commit. Subscribers in this process
 * are called at once. Other processes get a NOTIFY for several changes together, so that the writer
 * does not wait. A notification may be lost: a subscriber that must not miss a change also polls.
 */
export class ChangeNotifier {
  readonly #db: Database;
  readonly #log: Log;
  readonly #listeners = new Set<OnChange>();
  #gathered = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #listening: { stop(): Promise<void> } | undefined;

  constructor(db: Database, log: Log) {
    this.#db = db;
    this.#log = log;
  }

  /**
   * Starts to listen for changes by other processes. Does nothing where the database cannot LISTEN.
   */
  async start(): Promise<void> {
    if (!this.#db.canListen) return;
    this.#listening = await this.#db.listen(channel, (payload) => {
      // The payload is empty after a reconnection: any campaign may have changed in the meantime.
      if (payload === '') this.#tell(null);
      else for (const campaignId of payload.split(',')) this.#tell(campaignId);
    });
  }

  /**
   * Calls `listener` with the id of each changed campaign, or with null when any campaign may have
   * changed. Returns a function that ends the subscription.
   */
  onChange(listener: OnChange): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reports that a campaign changed. Returns at once and never throws. */
  notifyChanged(campaignId: string): void {
    this.#tell(campaignId);
    if (!this.#db.canListen) return;
    this.#gathered.add(campaignId);
    this.#timer ??= setTimeout(() => void this.#flush(), gatherMs);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#flush();
    await this.#listening?.stop();
  }

  #tell(campaignId: string | null): void {
    for (const listener of this.#listeners) listener(campaignId);
  }

  async #flush(): Promise<void> {
    this.#timer = undefined;
    const ids = [...this.#gathered];
    this.#gathered = new Set();
    try {
      for (let start = 0; start < ids.length; start += idsPerNotify) {
        const payload = ids.slice(start, start + idsPerNotify).join(',');
        await this.#db.rows(notify, channel, payload);
      }
    } catch (error) {
      this.#log.debug(
        { err: error },
        'NOTIFY of changed campaigns failed; other processes will poll',
      );
    }
  }
}
