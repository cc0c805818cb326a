import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { Admission } from './admission.ts';
import { refusal, type Refused } from './shed.ts';

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
  readonly admission: Admission;
  /** Paths that are answered however many requests are in flight. */
  readonly always: ReadonlySet<string>;
  /** Without a byte in either direction a connection is closed after so long. */
  readonly silentMs: number;
  /** Gives a connection to the HTTP server. */
  readonly letIn: (connection: Duplex) => void;
}

/**
 * Where connections wait that came while there was no room. A request that finds none is refused
 * from its bytes alone: what Node makes of one before anybody looks at it costs three times as
 * much. The first of a connection that finds room lets it in, and the server has it like any other.
 */
export class Doorstep {
  readonly #parts: DoorstepParts;
  #refused: { readonly socket: Socket; readonly bytes: Buffer }[] = [];

  constructor(parts: DoorstepParts) {
    this.#parts = parts;
  }

  /** Takes a connection of which nothing was read yet. */
  take(socket: Socket): void {
    let line: Line | undefined;
    const hear = (chunk: Buffer): void => {
      const isNext = line?.isBusy !== true;
      const request = isNext ? plainRequest(chunk) : undefined;
      if (request !== undefined && this.#turnsAway(request)) {
        this.#refuse(socket, refusal(request));
        return;
      }
      if (line === undefined) {
        line = new Line(socket);
        this.#parts.letIn(line);
      }
      line.hear(chunk, request !== undefined);
    };
    socket.setTimeout(this.#parts.silentMs);
    socket.on('data', hear);
    socket.on('timeout', () => (line ? line.emit('timeout') : socket.destroy()));
    socket.on('end', () => (line ? line.push(null) : socket.end()));
    socket.on('error', (error) => (line ? line.destroy(error) : socket.destroy()));
    socket.on('close', () => line?.destroy());
  }

  #turnsAway({ path }: Refused): boolean {
    const { admission, always } = this.#parts;
    if (admission.hasRoom() || always.has(path)) return false;
    admission.shed();
    return true;
  }

  #refuse(socket: Socket, bytes: Buffer): void {
    if (this.#refused.length === 0) setTimeout(() => setImmediate(this.#give), refuseAfterMs);
    this.#refused.push({ socket, bytes });
  }

  readonly #give = (): void => {
    const all = this.#refused;
    this.#refused = [];
    for (const { socket, bytes } of all) {
      socket.write(bytes);
      if (socket.writableLength > mostUnreadBytes) socket.destroy();
    }
  };
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
/** Whatever changes where a request ends, or how it is to be answered. */
const unusual =
  /\r\n(?:[ \t]|transfer-encoding|expect|upgrade|connection: *(?!keep-alive\r\n))|[^\r]\n|\r[^\n]/i;
const lengths = /\r\ncontent-length: *(\d{1,7})(?=\r\n)/gi;
const endOfHead = Buffer.from('\r\n\r\n');

/** The request, where these bytes are one whole request as everybody writes it, and nothing else. */
function plainRequest(chunk: Buffer): Refused | undefined {
  const end = chunk.indexOf(endOfHead);
  if (end < 0) return undefined;
  const head = chunk.toString('latin1', 0, end + 2);
  const target = startLine.exec(head)?.[1];
  if (target === undefined || unusual.test(head)) return undefined;
  const told = [...head.matchAll(lengths)];
  if (told.length > 1 || end + 4 + Number(told[0]?.[1] ?? 0) !== chunk.length) return undefined;
  const query = target.indexOf('?');
  return { path: query < 0 ? target : target.slice(0, query), head };
}
