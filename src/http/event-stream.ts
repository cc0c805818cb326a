import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/** A client that has this much unread is not following any more. */
const mostUnreadBytes = 65_536;
/** How long a browser waits before it connects again. */
const reconnectMs = 3_000;

/** One server-sent event, ready to be written. `data` is one line. */
export function eventFrame(event: string, id: bigint, data: string): string {
  return `event: ${event}\nid: ${id}\ndata: ${data}\n\n`;
}

/** One open event stream (HTML standard, "Server-sent events") on a connection of its own. */
export class EventStream {
  readonly #response: ServerResponse;

  /**
   * Takes the answer away from the framework and begins the stream. The body has no chunks and
   * ends with the connection, so that what goes to many goes out as the same bytes.
   */
  constructor(reply: FastifyReply, onEnd: () => void) {
    reply.hijack();
    this.#response = reply.raw;
    this.#response.useChunkedEncodingByDefault = false;
    this.#response.once('close', onEnd);
    this.#response.once('error', () => this.#response.destroy());
    for (const [name, value] of Object.entries(reply.getHeaders())) {
      if (value !== undefined) this.#response.setHeader(name, value);
    }
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      connection: 'close',
    });
    this.#response.write(`retry: ${reconnectMs}\n\n`);
  }

  /** Sends bytes to the client, or drops a client that does not read. */
  send(bytes: string | Buffer): void {
    if (this.#response.destroyed) return;
    if (this.#response.writableLength > mostUnreadBytes) this.#response.destroy();
    else this.#response.write(bytes);
  }

  end(): void {
    this.#response.end();
  }
}
