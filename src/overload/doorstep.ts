import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { ConcurrencyLimiter } from './concurrency-limit.ts';
import { pathOf, overloadResponse, type OverloadResponse } from './overload-response.ts';

/**
 * Maximum size, in bytes, of the rejection responses that wait to be read by one client. When the
 * size is exceeded, the client is disconnected.
 */
const mostUnreadBytes = 65_536;

/**
 * Rejections are collected for this time and then sent together. The delay slows down clients that
 * retry at once. It also keeps iterations of the event loop short. libuv reads as long as data
 * arrives. A client that gets its answer at once would send its next request before libuv has read
 * the requests of all other clients, so the iteration would not end.
 */
const refuseAfterMs = 25;

/** Dependencies of the early rejection of requests. */
export interface DoorstepParts {
  readonly concurrencyLimiter: ConcurrencyLimiter;
  /** Paths of requests that are never rejected. */
  readonly always: ReadonlySet<string>;
  /** Time limit for the first request on a connection. */
  readonly firstMs: number;
  /** Time after which a connection is closed if nothing was sent or received on it. */
  readonly silentMs: number;
  /**
   * Returns true when the process is about to stop. Connections are then closed after the response.
   */
  readonly isDraining: () => boolean;
  /** Passes a connection on to the HTTP server. */
  readonly letIn: (connection: Duplex) => void;
}

interface Guest {
  readonly socket: Socket;
  /**
   * The stream through which the HTTP server uses this connection. Undefined until a request of
   * this connection is accepted.
   */
  line: Line | undefined;
  /** Rejections that are not sent yet, in the order of the requests. */
  refusals: ReturnType<typeof overloadResponse>[];
}

/**
 * Handles connections that arrive during overload. Rejects a request without parsing it completely,
 * because complete parsing by Node takes nearly twice as long. As soon as a request can be
 * accepted, its connection is passed on to the HTTP server.
 */
export class Doorstep {
  readonly #parts: DoorstepParts;
  readonly #guests = new Set<Guest>();
  #refused = new Set<Guest>();
  #isClosed = false;

  constructor(parts: DoorstepParts) {
    this.#parts = parts;
  }

  /** Takes over a connection from which nothing was read yet. */
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
   * Called when the server stops accepting connections. Sends the pending rejections and closes the
   * connections that were not passed on. The other connections are closed after their response or
   * after the next rejection.
   */
  close(): void {
    this.#isClosed = true;
    for (const guest of this.#guests) {
      this.#tell(guest);
      if (guest.line === undefined) guest.socket.destroySoon();
    }
  }

  /** Closes all connections of this class immediately, without sending pending rejections. */
  cutOff(): void {
    for (const { socket } of this.#guests) socket.destroy();
  }

  #hear(guest: Guest, chunk: Buffer): void {
    // A response with “connection: close” was sent, so further requests on this connection are
    // ignored.
    if (!guest.socket.writable) return;
    const request = guest.line?.isBusy === true ? undefined : plainRequest(chunk);
    if (request !== undefined && this.#turnsAway(request)) {
      this.#refuse(guest, request);
      return;
    }
    // Pending rejections are sent first, so that responses have the order of their requests.
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
 * The stream that the HTTP server gets instead of a socket when Doorstep passes a connection on.
 * Node's HTTP server accepts any stream (see its event `connection`). This class adds the methods
 * and properties of a socket that Node and this service use.
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

  /**
   * True while the HTTP server may be receiving or answering a request on this connection. Bytes
   * that arrive during this time may belong to that request.
   */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /**
   * Passes bytes on to the HTTP server. `isPlain` means that the bytes are exactly one request and
   * that no other request is in progress. If they are not, this class cannot know where later
   * requests begin and end. From then on, all bytes of the connection are passed on to the server.
   */
  hear(chunk: Buffer, isPlain: boolean): void {
    this.#isBusy = true;
    if (!isPlain) this.#isPlain = false;
    if (!this.push(chunk)) this.#socket.pause();
  }

  /** Called when a request was completely received and answered. */
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
/**
 * Matches header lines in the strict form that Node accepts. Requests with other header lines are
 * left to the server.
 */
const plainLines = /^(?:[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;
/** Matches headers that change where a request ends or how the connection is used. */
const unusual =
  /\r\n(?:transfer-encoding|expect|upgrade(?!-insecure-requests:)|connection(?!: *keep-alive\r\n)|content-length(?!: *\d{1,7}\r\n))/i;
const lengths = /\r\ncontent-length: *(\d+)/gi;
const endOfHead = Buffer.from('\r\n\r\n');

/** Returns the request if the bytes are exactly one complete request in the usual form. */
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
