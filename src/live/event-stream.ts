import type { ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { FastifyReply } from 'fastify';

/**
 * Maximum number of bytes that were sent to a client and that the client has not read. When it is
 * exceeded, the client is considered dead and is disconnected.
 */
const maxUnreadBytes = 65_536;
/** The time that a browser waits before it reconnects. */
const reconnectMs = 3_000;

/** Formats one server-sent event. `data` must be one line. */
export function eventFrame(event: string, id: bigint, data: string): string {
  return `event: ${event}\nid: ${id}\ndata: ${data}\n\n`;
}

/**
 * One open event stream (HTML standard, "Server-sent events") on its own connection. The object
 * references only the socket. A process can have thousands of streams, and references to the
 * request objects of Node and Fastify would need several times as much memory.
 */
export class EventStream {
  readonly #socket: Socket;

  /**
   * Takes the response out of Fastify's control and starts the stream. The body has no chunked
   * encoding and ends when the connection is closed, so that the same bytes can be sent to all
   * clients. Calls `onEnd` once when the connection is closed.
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

  /** Sends bytes to the client. Disconnects a client that does not read. */
  send(bytes: string | Buffer): void {
    if (this.#socket.destroyed) return;
    if (this.#socket.writableLength > maxUnreadBytes) this.#socket.destroy();
    else this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }
}

/**
 * Detaches the request and its response from the socket. Whatever the client sends later is
 * ignored.
 */
function takeOver(response: ServerResponse, socket: Socket): void {
  response.detachSocket(socket);
  // Because of this data listener on the socket, Node's HTTP parser does not get the bytes that the
  // client sends. The parser would treat them as a new request.
  socket.on('data', ignore);
  for (const event of ['data', 'error']) socket.removeAllListeners(event);
  socket.on('data', ignore);
  socket.on('error', () => socket.destroy());
}

function ignore(): void {}

/** Returns a closed socket for a client that disconnected before its stream started. */
function goneSocket(): Socket {
  const socket = new Socket();
  socket.destroy();
  return socket;
}
