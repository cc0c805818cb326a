import { setImmediate } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { DomainError } from '../errors/errors.ts';
import { limits } from '../config/limits.ts';
import type { Metrics } from '../observability/metrics.ts';
import { eventFrame, EventStream } from './event-stream.ts';
import { StreamQuota } from './stream-quota.ts';

/** The progress of a campaign at the position `seq` in its audit log, as one line of JSON. */
export interface Snapshot {
  readonly campaignId: string;
  readonly seq: bigint;
  readonly json: string;
  /**
   * The latest joins, without private data, so that every visitor may see them. They are sent only
   * when they have changed.
   */
  readonly contributions?: string;
}

/** The position in a campaign's audit log up to which a watcher has received all events. */
export interface Position {
  readonly campaignId: string;
  readonly seq: bigint;
}

export interface LiveSources {
  /**
   * Reads the current progress of these campaigns in one query. The result has no entry for a
   * campaign that does not exist.
   */
  readonly progressOf: (campaignIds: readonly string[]) => Promise<readonly Snapshot[]>;
  /**
   * Reads the events of campaigns after these positions in one query, without the events of single
   * participants. Returns them oldest first, each event as one line of JSON.
   */
  readonly eventsAfter: (positions: readonly Position[]) => Promise<readonly Snapshot[]>;
  /**
   * Calls the listener with the id of a changed campaign; null means that any campaign may have
   * changed.
   */
  readonly onPoke: (listener: (campaignId: string | null) => void) => () => void;
  readonly log: Pick<Logger, 'warn'>;
  readonly metrics: Pick<Metrics, 'liveWatchers'>;
}

export interface LiveOptions {
  /**
   * The progress of every campaign with watchers is read at this interval, even if no notification
   * about a change arrives.
   */
  readonly pollMs: number;
  readonly heartbeatMs?: number;
  /** Minimum time between two updates of one campaign. */
  readonly throttleMs?: number;
  /**
   * While a campaign keeps changing, the time between two updates is at least this long for each of
   * its watchers, and in total at most `maxPauseMs`.
   */
  readonly pauseMsPerWatcher?: number;
  readonly maxPauseMs?: number;
  /**
   * Maximum number of open streams of this process. Further requests are refused with the error
   * `overloaded`.
   */
  readonly maxWatchers?: number;
}

/**
 * A campaign that has watchers (clients with an open event stream). Each watcher has received all
 * events up to `latest`.
 */
interface Channel {
  readonly campaignId: string;
  readonly watchers: Set<EventStream>;
  latest: Snapshot | undefined;
  first: Promise<Snapshot | undefined> | undefined;
  /** Number of requests whose stream has not started yet. */
  arriving: number;
  /** The earliest time for the next update, in milliseconds of performance.now(). */
  notBefore: number;
  /** When the campaign changed last, and when its watchers got the last update. */
  changedAt: number;
  sentAt: number;
}

/** Default options, such as the heartbeat interval and the maximum number of streams. */
export const liveDefaults = {
  heartbeatMs: 15_000,
  throttleMs: 250,
  /**
   * An update takes about 0.01 ms of CPU time per watcher, so updates take at most a fortieth of a
   * core for up to 5,000 watchers.
   */
  pauseMsPerWatcher: 0.4,
  maxPauseMs: 2_000,
  maxWatchers: limits.streamsOfProcess.max,
};
const watchersATurn = 200;
/** A campaign that has not changed for this long, in milliseconds, gets its update at once. */
const quietMs = 300;
const heartbeat = Buffer.from(':\n\n');

/**
 * Sends the progress of campaigns to their watchers, the clients with an open event stream. Each
 * change is read and serialized only once, whatever the number of watchers. Changes that happen
 * within a short time are sent as one update. The first change after a pause is sent at once, and
 * the last one soon after it happened; while a campaign with many watchers keeps changing, updates
 * are rare.
 */
export class LiveUpdates {
  readonly #sources: LiveSources;
  readonly #options: Required<LiveOptions>;
  readonly #channels = new Map<string, Channel>();
  readonly #dirty = new Set<Channel>();
  readonly #timers: NodeJS.Timeout[];
  readonly #unsubscribe: () => void;
  readonly #quota: StreamQuota;
  #update: NodeJS.Timeout | undefined;
  #reading = false;
  #closed = false;

  constructor(sources: LiveSources, options: LiveOptions) {
    this.#sources = sources;
    this.#options = { ...liveDefaults, ...options };
    this.#quota = new StreamQuota(this.#options.maxWatchers, (open) =>
      sources.metrics.liveWatchers.set(open),
    );
    this.#unsubscribe = sources.onPoke((campaignId) => this.#onChanged(campaignId));
    this.#timers = [
      setInterval(() => this.#onChanged(null), this.#options.pollMs).unref(),
      setInterval(() => void this.#sendHeartbeats(), this.#options.heartbeatMs).unref(),
    ];
  }

  /**
   * Answers a request with the event stream of a campaign. The stream first sends the events after
   * `Last-Event-ID` as `status` events, and then the current progress. Later it sends new events
   * and every change of the progress. The id of an event is its sequence number in the audit log.
   * The caller must check that the user may see the campaign. Throws `overloaded`, `rate_limited`
   * or `campaign_not_found`, always before the first byte is sent.
   */
  async watch(campaignId: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (this.#closed) throw new DomainError('overloaded', {});
    const owners = this.#quota.acquire(request);
    const channel = this.#channelOf(campaignId);
    channel.arriving++;
    let streaming = false;
    try {
      await this.#catchUp(channel, lastEventId(request), (opening) => {
        if (this.#closed) throw new DomainError('overloaded', {});
        streaming = true;
        this.#begin(channel, owners, reply).send(opening);
      });
    } finally {
      channel.arriving--;
      if (!streaming) this.#leave(channel, owners);
    }
  }

  /**
   * Starts the stream of a new watcher. This code is a separate method because a closure inside
   * watch() would keep the request in memory until the stream ends.
   */
  #begin(channel: Channel, owners: readonly string[], reply: FastifyReply): EventStream {
    const stream = new EventStream(reply, () => {
      channel.watchers.delete(stream);
      this.#leave(channel, owners);
    });
    channel.watchers.add(stream);
    return stream;
  }

  /**
   * Ends every stream so that the server can close, and refuses later requests for a stream.
   * Calling it twice is harmless.
   */
  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#update);
    for (const { watchers } of this.#channels.values()) {
      for (const stream of watchers) stream.end();
    }
  }

  /**
   * Reads the first frames for a new watcher and calls `begin` with them. There is no `await`
   * between the last read and the call of `begin`, so the watcher misses no update.
   */
  async #catchUp(
    channel: Channel,
    after: bigint | undefined,
    begin: (opening: string) => void,
  ): Promise<void> {
    const frames: string[] = [];
    const first = await this.#firstOf(channel);
    let latest = channel.latest ?? first;
    let position = after ?? latest.seq;
    while (position < latest.seq) {
      frames.push(...(await this.#eventsOf([{ channel, from: position, to: latest }])));
      position = latest.seq;
      latest = channel.latest ?? latest;
    }
    begin(frames.join('') + presentFrames(latest));
  }

  /**
   * Returns the first snapshot of a campaign for a new watcher. Requests that arrive at the same
   * time share one database read.
   */
  async #firstOf(channel: Channel): Promise<Snapshot> {
    if (channel.latest) return channel.latest;
    channel.first ??= this.#sources
      .progressOf([channel.campaignId])
      .then(([first]) => (channel.latest ??= first))
      .finally(() => (channel.first = undefined));
    const first = await channel.first;
    if (!first) throw new DomainError('campaign_not_found', {});
    return first;
  }

  #onChanged(campaignId: string | null): void {
    if (campaignId === null) {
      for (const channel of this.#channels.values()) this.#dirty.add(channel);
    } else {
      const watched = this.#channels.get(campaignId);
      if (watched === undefined) return;
      watched.changedAt = performance.now();
      this.#dirty.add(watched);
    }
    this.#plan();
  }

  /**
   * Sets a timer for the next update, at the earliest time that the options allow. Only one
   * database read runs at a time.
   */
  #plan(): void {
    if (this.#update || this.#reading || this.#closed || this.#dirty.size === 0) return;
    let earliest = Infinity;
    for (const channel of this.#dirty) earliest = Math.min(earliest, this.#dueAt(channel));
    const waitMs = Math.max(0, earliest - performance.now());
    this.#update = setTimeout(() => {
      this.#update = undefined;
      void this.#refresh();
    }, waitMs);
  }

  /** Returns when the next update of a campaign is due, in milliseconds of performance.now(). */
  #dueAt({ watchers, notBefore, changedAt, sentAt }: Channel): number {
    const { pauseMsPerWatcher, maxPauseMs } = this.#options;
    const pauseMs = Math.min(maxPauseMs, watchers.size * pauseMsPerWatcher);
    return Math.max(notBefore, Math.min(changedAt + quietMs, sentAt + pauseMs));
  }

  async #refresh(): Promise<void> {
    const now = performance.now();
    const due = [...this.#dirty].filter((channel) => this.#dueAt(channel) <= now);
    if (due.length === 0) {
      this.#plan();
      return;
    }
    for (const channel of due) {
      this.#dirty.delete(channel);
      channel.notBefore = now + this.#options.throttleMs;
    }
    this.#reading = true;
    try {
      await this.#readAndSend(due);
    } catch (error) {
      // The error is only logged, because the next poll reads the progress again.
      this.#sources.log.warn(
        { err: error, campaigns: due.length },
        'progress could not be read; the next poll retries',
      );
    } finally {
      this.#reading = false;
      this.#plan();
    }
  }

  async #readAndSend(channels: readonly Channel[]): Promise<void> {
    const followed = channels.filter(({ latest }) => latest !== undefined);
    if (followed.length === 0) return;
    const snapshots = await this.#sources.progressOf(followed.map((one) => one.campaignId));
    const changes = snapshots.flatMap((to) => {
      const channel = this.#channels.get(to.campaignId);
      const before = channel?.latest;
      return channel && before && before.seq < to.seq
        ? [{ channel, from: before.seq, to, before }]
        : [];
    });
    if (changes.length === 0) return;
    const events = await this.#eventsOf(changes);
    for (const [index, { channel, to, before }] of changes.entries()) {
      const text = (events[index] ?? '') + presentFrames(to, before);
      channel.latest = to;
      channel.sentAt = performance.now();
      await sendToAll(channel.watchers, Buffer.from(text));
    }
  }

  /** Returns one text per change, with all `status` frames of that change. */
  async #eventsOf(changes: readonly Change[]): Promise<string[]> {
    const events = await this.#sources.eventsAfter(
      changes.map(({ channel, from }) => ({ campaignId: channel.campaignId, seq: from })),
    );
    const frames = new Map<string, string>();
    const ends = new Map(changes.map(({ channel, to }) => [channel.campaignId, to.seq]));
    for (const { campaignId, seq, json } of events) {
      // This event is newer than the snapshot, so it is sent later, with the next snapshot.
      if (seq > (ends.get(campaignId) ?? 0n)) continue;
      frames.set(campaignId, (frames.get(campaignId) ?? '') + eventFrame('status', seq, json));
    }
    return changes.map(({ channel }) => frames.get(channel.campaignId) ?? '');
  }

  async #sendHeartbeats(): Promise<void> {
    for (const { watchers } of this.#channels.values()) await sendToAll(watchers, heartbeat);
  }

  #channelOf(campaignId: string): Channel {
    let channel = this.#channels.get(campaignId);
    if (!channel) {
      channel = {
        campaignId,
        watchers: new Set(),
        latest: undefined,
        first: undefined,
        arriving: 0,
        notBefore: 0,
        changedAt: -Infinity,
        sentAt: -Infinity,
      };
      this.#channels.set(campaignId, channel);
    }
    return channel;
  }

  #leave(channel: Channel, owners: readonly string[]): void {
    this.#quota.release(owners);
    if (channel.watchers.size > 0 || channel.arriving > 0) return;
    this.#channels.delete(channel.campaignId);
    this.#dirty.delete(channel);
  }
}

/**
 * Sends the same bytes to all current watchers. A stream that starts later begins with a newer
 * state. The watchers are served in batches, and the process can do other work between two batches:
 * 5,000 writes without a pause would block it for 100 ms.
 */
async function sendToAll(watchers: ReadonlySet<EventStream>, bytes: Buffer): Promise<void> {
  let sent = 0;
  for (const stream of Array.from(watchers)) {
    stream.send(bytes);
    if (++sent % watchersATurn === 0) await setImmediate();
  }
}

/**
 * Returns the frame of a campaign's progress, and before it a frame of the latest joins if they
 * changed.
 */
function presentFrames(to: Snapshot, before?: Snapshot): string {
  const { contributions } = to;
  const isKnown = contributions === undefined || contributions === before?.contributions;
  const progress = eventFrame('progress', to.seq, to.json);
  return isKnown ? progress : eventFrame('contributions', to.seq, contributions) + progress;
}

interface Change {
  readonly channel: Channel;
  readonly from: bigint;
  readonly to: Snapshot;
}

/**
 * Returns the id of the last event that the client received; undefined for a new client or an
 * invalid id.
 */
function lastEventId(request: FastifyRequest): bigint | undefined {
  const given = request.headers['last-event-id'];
  return typeof given === 'string' && /^\d{1,18}$/.test(given) ? BigInt(given) : undefined;
}
