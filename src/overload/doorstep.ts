import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { ConcurrencyLimiter } from './concurrency-limit.ts';
import { pathOf, overloadResponse, type OverloadResponse } from './overload-response.ts';

/** A client that has this much unread of what it was refused does not read. */
const mostUnreadBytes = 65_536;

/**
 * Refusals are given together, so long after the first of them. Who asks again at once is slowed
 * down by it, and a turn of the event loop ends: libuv goes on reading for as long as something
 * arrives, and those who are answered on the spot send again before it has read everybody else.
 */
const refuseAfterMs = 25;

/** What connections on the doorstep of a server need of it. */
export interface DoorstepParts {
  readonly concurrencyLimiter: ConcurrencyLimiter;
  /** Paths that are answered however many requests are in flight. */
  readonly always: ReadonlySet<string>;
  /** Who comes has so long to say something. */
  readonly firstMs: number;
  /** Without a byte in either direction a connection is closed after so long. */
  readonly silentMs: number;
  /** The process is going to stop: no connection is kept for another request. */
  readonly isDraining: () => boolean;
  /** Gives a connection to the HTTP server. */
  readonly letIn: (connection: Duplex) => void;
}

interface Guest {
  readonly socket: Socket;
  /** What the server has of it, once it was let in. */
  line: Line | undefined;
  /** What it was refused and has not been told yet, in turn. */
  refusals: ReturnType<typeof overloadResponse>[];
}

/**
 * Where connections wait that came while there was no room. A request that finds none is refused
 * from its bytes alone: what Node makes of one before anybody looks at it costs nearly twice as
 * much. The first of a connection that finds room lets it in, and the server has it like any other.
 */
export class Doorstep {
  readonly #parts: DoorstepParts;
  readonly #guests = new Set<Guest>();
  #refused = new Set<Guest>();
  #isClosed = false;

  constructor(parts: DoorstepParts) {
    this.#parts = parts;
  }

  /** Takes a connection of which nothing was read yet. */
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
   * The server takes nobody any more: who waits here is told what is due and goes. Whom the server
   * has goes with their answer, or after the next refusal.
   */
  close(): void {
    this.#isClosed = true;
    for (const guest of this.#guests) {
      this.#tell(guest);
      if (guest.line === undefined) guest.socket.destroySoon();
    }
  }

  /** Ends all connections that came by here, whatever they wait for. */
  cutOff(): void {
    for (const { socket } of this.#guests) socket.destroy();
  }

  #hear(guest: Guest, chunk: Buffer): void {
    // After what was said to be the last answer nothing is answered, nor done, any more.
    if (!guest.socket.writable) return;
    const request = guest.line?.isBusy === true ? undefined : plainRequest(chunk);
    if (request !== undefined && this.#turnsAway(request)) {
      this.#refuse(guest, request);
      return;
    }
    // An answer never overtakes one that is due before it.
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
 * What the HTTP server holds of a connection whose bytes come by the doorstep. It takes any stream
 * for one (documentation of its event `connection`); of a socket it has what Node and we ask for.
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

  /** A request is being read or answered, or may be: what comes next may belong to it. */
  get isBusy(): boolean {
    return this.#isBusy;
  }

  /**
   * Bytes for the server; `isPlain`: they are exactly one request, and none is being answered.
   * After others nobody here knows any more where a request begins, and the server has them all.
   */
  hear(chunk: Buffer, isPlain: boolean): void {
    this.#isBusy = true;
    if (!isPlain) this.#isPlain = false;
    if (!this.push(chunk)) this.#socket.pause();
  }

  /** A request was read to its end and answered. */
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
/** Lines of headers as Node takes them, too: what it or a proxy reads otherwise is the server's. */
const plainLines = /^(?:[\w!#$%&'*+.^`|~-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;
/** Whatever changes where a request ends, or how it is to be answered. */
const unusual =
  /\r\n(?:transfer-encoding|expect|upgrade(?!-insecure-requests:)|connection(?!: *keep-alive\r\n)|content-length(?!: *\d{1,7}\r\n))/i;
const lengths = /\r\ncontent-length: *(\d+)/gi;
const endOfHead = Buffer.from('\r\n\r\n');

/** The request, where these bytes are one whole request as everybody writes it, and nothing else. */
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
