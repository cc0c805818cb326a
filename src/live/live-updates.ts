import { setImmediate } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { DomainError } from '../errors/errors.ts';
import { limits } from '../config/limits.ts';
import type { Metrics } from '../observability/metrics.ts';
import { networkOf } from '../http/authentication.ts';
import { eventFrame, EventStream } from './event-stream.ts';

/** A campaign's progress at one place of its audit log, as JSON in one line. */
export interface Snapshot {
  readonly campaignId: string;
  readonly seq: bigint;
  readonly json: string;
  /** Who joined last, as everybody may see it; sent when it is another than before. */
  readonly contributions?: string;
}

/** Where a watcher of a campaign has got to in its audit log. */
export interface Position {
  readonly campaignId: string;
  readonly seq: bigint;
}

export interface LiveSources {
  /** The present progress of these campaigns, read in one query; unknown ones are left out. */
  readonly progressOf: (campaignIds: readonly string[]) => Promise<readonly Snapshot[]>;
  /**
   * What happened to these campaigns themselves (not to their participants) after these places,
   * read in one query, oldest first, as JSON in one line each.
   */
  readonly eventsAfter: (positions: readonly Position[]) => Promise<readonly Snapshot[]>;
  /** Calls back with a campaign that may have changed, with null when any may have. */
  readonly onPoke: (listener: (campaignId: string | null) => void) => () => void;
  readonly log: Pick<Logger, 'warn'>;
  readonly metrics: Pick<Metrics, 'liveWatchers'>;
}

export interface LiveOptions {
  /** Every watched campaign is looked at this often, poked or not: the guarantee. */
  readonly pollMs: number;
  readonly heartbeatMs?: number;
  /** Least time between two updates of one campaign. */
  readonly throttleMs?: number;
  /** Streams of this process at most; more are refused as `overloaded`. */
  readonly maxWatchers?: number;
}

/** One watched campaign. Each of its watchers has been sent everything up to `latest`. */
interface Channel {
  readonly campaignId: string;
  readonly watchers: Set<EventStream>;
  latest: Snapshot | undefined;
  first: Promise<Snapshot | undefined> | undefined;
  /** Requests that are about to become watchers. */
  arriving: number;
  /** Milliseconds of performance.now() before which no update is sent. */
  notBefore: number;
}

/** How streams beat and how many there may be, unless told otherwise. */
export const liveDefaults = {
  heartbeatMs: 15_000,
  throttleMs: 250,
  maxWatchers: limits.streamsInAll.max,
};
const maxStreamsOfUser = limits.streamsOfUser.max;
/** An account with too many streams may try again after this: one of them may have ended. */
const retrySeconds = 10;
const watchersATurn = 200;
const heartbeat = Buffer.from(':\n\n');

/**
 * Fans the progress of campaigns out to everybody who watches: each change is read once and
 * serialised once, however many watch it, and changes that come close together are one update.
 */
export class LiveUpdates {
  readonly #sources: LiveSources;
  readonly #options: Required<LiveOptions>;
  readonly #channels = new Map<string, Channel>();
  readonly #dirty = new Set<Channel>();
  readonly #timers: NodeJS.Timeout[];
  readonly #forget: () => void;
  /** Streams by the network or the account that opened them. */
  readonly #streamsBy = new Map<string, number>();
  #watchers = 0;
  #update: NodeJS.Timeout | undefined;
  #reading = false;
  #closed = false;

  constructor(sources: LiveSources, options: LiveOptions) {
    this.#sources = sources;
    this.#options = { ...liveDefaults, ...options };
    this.#forget = sources.onPoke((campaignId) => this.#poked(campaignId));
    this.#timers = [
      setInterval(() => this.#poked(null), this.#options.pollMs).unref(),
      setInterval(() => void this.#beat(), this.#options.heartbeatMs).unref(),
    ];
  }

  /**
   * Answers a request with the stream of a campaign: what happened to it since `Last-Event-ID` as
   * `status` events, its present progress, and both as they change. The id of an event is its
   * place in the audit log. Whether the caller may see the campaign is checked before.
   * Throws `overloaded`, `rate_limited` and `campaign_not_found` as long as nothing has been sent.
   */
  async watch(campaignId: string, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const network = networkOf(request.ip);
    const account = accountOf(request);
    const owners = account === undefined ? [network] : [network, account];
    const free = this.#options.maxWatchers - this.#watchers;
    // A network has at most as many streams as are free for all others: half of them alone, and
    // there is always room for somebody else.
    if (this.#closed || (this.#streamsBy.get(network) ?? 0) >= free) {
      throw new DomainError('overloaded', {});
    }
    if (account !== undefined && (this.#streamsBy.get(account) ?? 0) >= maxStreamsOfUser) {
      throw new DomainError('rate_limited', { retry_after_seconds: retrySeconds });
    }
    const channel = this.#channelOf(campaignId);
    this.#counted(owners, 1);
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
      if (!streaming) this.#left(channel, owners);
    }
  }

  /** Apart from watch(), whose request the closure here would keep for as long as the stream. */
  #begin(channel: Channel, owners: readonly string[], reply: FastifyReply): EventStream {
    const stream = new EventStream(reply, () => {
      channel.watchers.delete(stream);
      this.#left(channel, owners);
    });
    channel.watchers.add(stream);
    return stream;
  }

  /** Ends every stream, so that the server can close; later watchers are refused. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#forget();
    for (const timer of this.#timers) clearInterval(timer);
    clearTimeout(this.#update);
    for (const { watchers } of this.#channels.values()) {
      for (const stream of watchers) stream.end();
    }
  }

  /**
   * Gathers what a new watcher is sent first, and hands it to `begin` in the very turn in which
   * the channel is at that place: no update can fall between.
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

  /** The channel's first snapshot, read once for all who arrive meanwhile. */
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

  #poked(campaignId: string | null): void {
    const watched = campaignId === null ? undefined : this.#channels.get(campaignId);
    if (campaignId === null)
      for (const channel of this.#channels.values()) this.#dirty.add(channel);
    else if (watched) this.#dirty.add(watched);
    this.#plan();
  }

  /** Sets the timer for the earliest update that is allowed; one reading is under way at most. */
  #plan(): void {
    if (this.#update || this.#reading || this.#closed || this.#dirty.size === 0) return;
    const earliest = Math.min(...[...this.#dirty].map(({ notBefore }) => notBefore));
    const waitMs = Math.max(0, earliest - performance.now());
    this.#update = setTimeout(() => {
      this.#update = undefined;
      void this.#refresh();
    }, waitMs);
  }

  async #refresh(): Promise<void> {
    const now = performance.now();
    const due = [...this.#dirty].filter(({ notBefore }) => notBefore <= now);
    for (const channel of due) {
      this.#dirty.delete(channel);
      channel.notBefore = now + this.#options.throttleMs;
    }
    this.#reading = true;
    try {
      await this.#readAndSend(due);
    } catch (error) {
      // The next poll reads again.
      this.#sources.log.warn({ err: error, campaigns: due.length }, 'progress could not be read');
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
      await sendToAll(channel.watchers, Buffer.from(text));
    }
  }

  /** The `status` frames of each change, in one text each. */
  async #eventsOf(changes: readonly Change[]): Promise<string[]> {
    const events = await this.#sources.eventsAfter(
      changes.map(({ channel, from }) => ({ campaignId: channel.campaignId, seq: from })),
    );
    const frames = new Map<string, string>();
    const ends = new Map(changes.map(({ channel, to }) => [channel.campaignId, to.seq]));
    for (const { campaignId, seq, json } of events) {
      // What is newer than the snapshot comes with the next one.
      if (seq > (ends.get(campaignId) ?? 0n)) continue;
      frames.set(campaignId, (frames.get(campaignId) ?? '') + eventFrame('status', seq, json));
    }
    return changes.map(({ channel }) => frames.get(channel.campaignId) ?? '');
  }

  async #beat(): Promise<void> {
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
      };
      this.#channels.set(campaignId, channel);
    }
    return channel;
  }

  #left(channel: Channel, owners: readonly string[]): void {
    this.#counted(owners, -1);
    if (channel.watchers.size > 0 || channel.arriving > 0) return;
    this.#channels.delete(channel.campaignId);
    this.#dirty.delete(channel);
  }

  #counted(owners: readonly string[], change: number): void {
    for (const owner of owners) {
      const open = (this.#streamsBy.get(owner) ?? 0) + change;
      if (open === 0) this.#streamsBy.delete(owner);
      else this.#streamsBy.set(owner, open);
    }
    this.#watchers += change;
    this.#sources.metrics.liveWatchers.set(this.#watchers);
  }
}

/**
 * Sends the same bytes to everybody who watches now; whoever comes meanwhile starts from there.
 * Other requests are let in between: 5,000 writes in one go are 100 ms.
 */
async function sendToAll(watchers: ReadonlySet<EventStream>, bytes: Buffer): Promise<void> {
  let sent = 0;
  for (const stream of Array.from(watchers)) {
    stream.send(bytes);
    if (++sent % watchersATurn === 0) await setImmediate();
  }
}

/** How a campaign stands, and who joined last unless they are those who were told of before. */
function presentFrames(to: Snapshot, before?: Snapshot): string {
  const { contributions } = to;
  const told = contributions === undefined || contributions === before?.contributions;
  const progress = eventFrame('progress', to.seq, to.json);
  return told ? progress : eventFrame('contributions', to.seq, contributions) + progress;
}

interface Change {
  readonly channel: Channel;
  readonly from: bigint;
  readonly to: Snapshot;
}

/** The account whose token opens the stream; undefined for visitors and for services. */
function accountOf({ actor }: FastifyRequest): string | undefined {
  return actor.kind === 'user' || actor.kind === 'operator' ? `user:${actor.userId}` : undefined;
}

/** Where the client stopped; undefined when it is new or says nonsense. */
function lastEventId(request: FastifyRequest): bigint | undefined {
  const given = request.headers['last-event-id'];
  return typeof given === 'string' && /^\d{1,18}$/.test(given) ? BigInt(given) : undefined;
}
