import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { ConcurrencyLimiter } from './concurrency-limit.ts';
import { pathOf, overloadResponse, type OverloadResponse } from './overload-response.ts';

/** Maximum unread bytes of rejections before a client counts as not reading. */
const mostUnreadBytes = 65_536;

/**
 * Rejections are sent together, this long after the first one. This slows down clients that retry
 * at once, and lets the event-loop turn end: libuv reads as long as data arrives, and clients that
 * are answered at once send again before it has read all others.
 */
const refuseAfterMs = 25;

/** Dependencies of the early rejection. */
export interface DoorstepParts {
  readonly concurrencyLimiter: ConcurrencyLimiter;
  /** Paths that are answered under any load. */
  readonly always: ReadonlySet<string>;
  /** Time-out until the first request of a connection. */
  readonly firstMs: number;
  /** Time-out without a byte in either direction. */
  readonly silentMs: number;
  /** True before shutdown: connections are not kept for another request. */
  readonly isDraining: () => boolean;
  /** Passes a connection to the HTTP server. */
  readonly letIn: (connection: Duplex) => void;
}

interface Guest {
  readonly socket: Socket;
  /** The server's stream of an accepted connection. */
  line: Line | undefined;
  /** Rejections to send, in order. */
  refusals: ReturnType<typeof overloadResponse>[];
}

/**
 * Early rejection: holds the connections that arrive during overload. A request without capacity is
 * rejected from its bytes, because Node's own parsing costs nearly twice as much. When there is
 * capacity, the connection is passed to the server like any other.
 */
export class Doorstep {
  readonly #parts: DoorstepParts;
  readonly #guests = new Set<Guest>();
  #refused = new Set<Guest>();
  #isClosed = false;

  constructor(parts: DoorstepParts) {
    this.#parts = parts;
  }

  /** Takes over a connection of which nothing was read yet. */
  take(socket: Socket): void {
    const guest: Guest = { socket, line: undefined, refusals: [] };
    this.#guests.add(guest);
    socket.setTimeout(this.#parts.firstMs);
    socket.on('data', (chunk: Buffer) => this.#hear(guest, chunk));
    socket.on('timeout', () => (guest.line ? guest.line.emit('timeout') : socket.destroy()));
    socket.on('end', () => {
      this.#tell(guest);
      if (guest.line) guest.line.push(null);
      else socket.end();
    });
    socket.on('error', (error) => (guest.line ? guest.line.destroy(error) : socket.destroy()));
    socket.on('close', () => {
      this.#guests.delete(guest);
      guest.line?.destroy();
    });
  }

  /**
   * The server accepts no more connections: pending ones get their rejections and are closed.
   * Connections of the server close after their response or the next rejection.
   */
  close(): void {
    this.#isClosed = true;
    for (const guest of this.#guests) {
      this.#tell(guest);
      if (guest.line === undefined) guest.socket.destroySoon();
    }
  }

  /** Ends all connections of the early rejection. */
  cutOff(): void {
    for (const { socket } of this.#guests) socket.destroy();
  }

  #hear(guest: Guest, chunk: Buffer): void {
    // After the announced last response nothing more is processed.
    if (!guest.socket.writable) return;
    const request = guest.line?.isBusy === true ? undefined : plainRequest(chunk);
    if (request !== undefined && this.#turnsAway(request)) {
      this.#refuse(guest, request);
      return;
    }
    // Responses stay in order.
    this.#tell(guest);
    if (!guest.socket.writable) return;
    if (guest.line === undefined) {
      guest.line = new Line(guest.socket);
      this.#parts.letIn(guest.line);
    }
    guest.line.hear(chunk, request !== undefined);
  }

  #turnsAway({ path }: OverloadResponse): boolean {
    const { concurrencyLimiter, always } = this.#parts;
    if (concurrencyLimiter.hasRoom() || always.has(path)) return false;
    concurrencyLimiter.shed();
    return true;
  }

  #refuse(guest: Guest, request: OverloadResponse): void {
    if (guest.line === undefined) guest.socket.setTimeout(this.#parts.silentMs);
    if (this.#refused.size === 0) setTimeout(() => setImmediate(this.#give), refuseAfterMs);
    guest.refusals.push(overloadResponse(request));
    this.#refused.add(guest);
  }

  readonly #give = (): void => {
    const all = this.#refused;
    this.#refused = new Set();
    for (const guest of all) this.#tell(guest);
  };

  #tell(guest: Guest): void {
    const { socket, refusals } = guest;
    if (refusals.length === 0) return;
    guest.refusals = [];
    const isLast = this.#isClosed || this.#parts.isDraining();
    for (const [at, answer] of refusals.entries()) {
      socket.write(answer[isLast && at === refusals.length - 1 ? 'close' : 'keep-alive']);
    }
    if (isLast) socket.destroySoon();
    else if (socket.writableLength > mostUnreadBytes) socket.destroy();
  }
}

/**
 * The stream that the HTTP server gets instead of a socket for a connection of the early rejection.
 * Node accepts any stream (documentation of its event `connection`); it has the socket properties
 * that Node and we use.
 */
export class Line extends Duplex {
  readonly #socket: Socket;
  #isBusy = false;
  #isPlain = true;

  constructor(socket: Socket) {
    super({ decodeStrings: false });
    this.#socket = socket;
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }

  /** A request is being read or answered, or may be: further bytes may belong to it. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /**
   * Bytes for the server; `isPlain`: they are exactly one request and none is in progress. After
   * any other bytes the boundaries of requests are unknown here, so the server gets everything.
   */
  hear(chunk: Buffer, isPlain: boolean): void {
    this.#isBusy = true;
    if (!isPlain) this.#isPlain = false;
    if (!this.push(chunk)) this.#socket.pause();
  }

  /** A request was completely read and answered. */
  answered(): void {
    this.#isBusy = !this.#isPlain;
  }

  setTimeout(milliseconds: number, then?: () => void): this {
    this.#socket.setTimeout(milliseconds);
    if (then) this.once('timeout', then);
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void) {
    this.#socket.write(chunk, encoding, done);
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#socket.cork();
    const last = chunks.pop();
    for (const { chunk, encoding } of chunks) this.#socket.write(chunk, encoding);
    if (last) this.#socket.write(last.chunk, last.encoding, done);
    this.#socket.uncork();
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

const startLine = /^(?:GET|POST|PUT|PATCH|DELETE) (\/[\x21-\x7e]*) HTTP\/1\.1\r\n/;
/** Header lines in the strict form that Node accepts; everything else is left to the server. */
const plainLines = /^(?:[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;
/** Headers that affect the length of the request or the kind of response. */
const unusual =
  /\r\n(?:transfer-encoding|expect|upgrade(?!-insecure-requests:)|connection(?!: *keep-alive\r\n)|content-length(?!: *\d{1,7}\r\n))/i;
const lengths = /\r\ncontent-length: *(\d+)/gi;
const endOfHead = Buffer.from('\r\n\r\n');

/** The request, if the bytes are exactly one complete request in the usual form. */
function plainRequest(chunk: Buffer): OverloadResponse | undefined {
  const end = chunk.indexOf(endOfHead);
  if (end < 0) return undefined;
  const head = chunk.toString('latin1', 0, end + 2);
  const [start, target] = startLine.exec(head) ?? [];
  if (start === undefined || target === undefined) return undefined;
  if (!plainLines.test(head.slice(start.length)) || unusual.test(head)) return undefined;
  const told = [...head.matchAll(lengths)];
  if (told.length > 1 || end + 4 + Number(told[0]?.[1] ?? 0) !== chunk.length) return undefined;
  return { path: pathOf(target), head };
}
