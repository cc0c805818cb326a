import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';

/** A client that has this much unread is not following any more. */
const mostUnreadBytes = 65_536;
/** How long a browser waits before it connects again. */
const reconnectMs = 3_000;

/** One server-sent event, ready to be written. `data` is one line. */
export function eventFrame(event: string, id: bigint, data: string): string {
  return `event: ${event}\nid: ${id}\ndata: ${data}\n\n`;
}

/**
 * One open event stream (HTML standard, "Server-sent events") on a connection of its own. It keeps
 * the bare socket: what Node and the framework hold for a request is several times as much, and
 * thousands watch.
 */
export class EventStream {
  readonly #socket: Socket;

  /**
   * Takes the answer away from the framework and begins the stream. The body has no chunks and
   * ends with the connection, so that what goes to many goes out as the same bytes. Calls `onEnd`
   * once, when the connection is gone.
   */
  constructor(reply: FastifyReply, onEnd: () => void) {
    reply.hijack();
    const response = reply.raw;
    this.#socket = response.socket ?? goneSocket();
    response.useChunkedEncodingByDefault = false;
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) response.setHeader(name, value);
    }
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      connection: 'close',
    });
    response.write(`retry: ${reconnectMs}\n\n`);
    if (response.socket) takeOver(response, response.socket);
    if (this.#socket.destroyed) queueMicrotask(onEnd);
    else this.#socket.once('close', onEnd);
  }

  /** Sends bytes to the client, or drops a client that does not read. */
  send(bytes: string | Buffer): void {
    if (this.#socket.destroyed) return;
    if (this.#socket.writableLength > mostUnreadBytes) this.#socket.destroy();
    else this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }
}

/** Lets go of the request and its answer; what the client sends from now on is nobody's. */
function takeOver(response: ServerResponse, socket: Socket): void {
  response.detachSocket(socket);
  // The first listener takes the bytes away from the parser, which would take them for a request.
  socket.on('data', ignore);
  for (const event of ['data', 'error']) socket.removeAllListeners(event);
  socket.on('data', ignore);
  socket.on('error', () => socket.destroy());
}

function ignore(): void {}

/** Stands for a client that left before its stream began. */
function goneSocket(): Socket {
  const socket = new Socket();
  socket.destroy();
  return socket;
}
