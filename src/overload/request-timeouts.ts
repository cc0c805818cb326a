import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyServerFactory } from 'fastify';
import type { Metrics } from '../observability/metrics.ts';
import type { ConcurrencyLimiter } from './concurrency-limit.ts';
import { Doorstep, Line } from './doorstep.ts';
import { pathOf, sendOverloadResponse } from './overload-response.ts';

/** Time-outs of clients in milliseconds, and the maximum number of connections. */
export const defaultTimeouts = {
  /** From the connection, or the first byte of a further request, to the end of the headers. */
  headersMs: 10_000,
  /** To the end of the body. A form with a file has longer: 5 MB take a slow phone a minute. */
  bodyMs: 15_000,
  uploadMs: 120_000,
  /** From the headers to the last byte of the response; excludes event streams. */
  wholeMs: 300_000,
  /** Without a byte in either direction; event streams send heartbeats more often. */
  silentMs: 60_000,
  /** Keep-alive: between two requests of a connection. */
  idleMs: 72_000,
  /** Interval of the checks. */
  checkMs: 1_000,
  /** Further connections are closed at once. An idle connection costs about 10 KB. */
  maxConnections: 20_000,
};
export type RequestTimeouts = typeof defaultTimeouts;

/**
 * A request that sends its body for longer than this is not counted as in flight; others may use
 * its slot.
 */
const slowMs = 1_000;

interface Exchange {
  readonly request: IncomingMessage;
  readonly since: number;
  /** Not counted as in flight, because its body is still arriving. */
  isSlow: boolean;
}

/** Dependencies of the request tracking. */
export interface RequestTrackingDeps {
  readonly concurrencyLimiter: ConcurrencyLimiter;
  readonly metrics: Pick<Metrics, 'connectionsRefused'>;
  /** Paths that are exempt from load shedding. */
  readonly always: ReadonlySet<string>;
  readonly timeouts: RequestTimeouts;
  /** True before shutdown: connections are not kept for another request. */
  readonly isDraining: () => boolean;
  /** Closes a connection whose request exceeded a time-out, with a response where possible. */
  readonly tooSlow: (socket: Socket) => void;
}

/**
 * Makes Fastify's HTTP server: it sheds requests above the limit before Fastify sees them, and
 * bounds the number and duration of connections.
 */
export function boundedServer(parts: RequestTrackingDeps): FastifyServerFactory<Server> {
  const { concurrencyLimiter, always, metrics, timeouts, isDraining } = parts;
  return (handler) => {
    const server = createServer(
      {
        headersTimeout: timeouts.headersMs,
        requestTimeout: timeouts.uploadMs,
        keepAliveTimeout: timeouts.idleMs,
        connectionsCheckingInterval: timeouts.checkMs,
      },
      (request, response) => {
        const line = lineOf(request);
        if (line) response.once('close', () => request.complete && line.answered());
        if (concurrencyLimiter.hasRoom() || always.has(pathOf(request.url ?? '/')))
          return handler(request, response);
        concurrencyLimiter.shed();
        // The next request then arrives on a new connection, where shedding it costs less.
        if (!line || isDraining()) response.shouldKeepAlive = false;
        sendOverloadResponse(request, response);
      },
    );
    server.setTimeout(timeouts.silentMs);
    const [takeIn] = server.listeners('connection');
    server.removeAllListeners('connection');
    const letIn = (connection: Duplex): void => void takeIn?.call(server, connection as Socket);
    const { headersMs: firstMs, silentMs } = timeouts;
    const doorstep = new Doorstep({
      concurrencyLimiter,
      always,
      firstMs,
      silentMs,
      isDraining,
      letIn,
    });
    closeWith(server, doorstep);
    let open = 0;
    const gone = () => void open--;
    // Counts connections of all listeners; `maxConnections` covers only one.
    server.on('connection', (socket) => {
      open++;
      socket.once('close', gone);
      if (open > timeouts.maxConnections) {
        metrics.connectionsRefused.inc();
        socket.destroy();
      } else if (concurrencyLimiter.isPressed) {
        doorstep.take(socket);
      } else {
        letIn(socket);
      }
    });
    return server;
  };
}

/** The server does not know the connections that wait outside it; close() must end them too. */
function closeWith(server: Server, doorstep: Doorstep): void {
  const closeIdle = server.closeIdleConnections.bind(server);
  const closeAll = server.closeAllConnections.bind(server);
  server.closeIdleConnections = () => {
    doorstep.close();
    closeIdle();
  };
  server.closeAllConnections = () => {
    doorstep.cutOff();
    closeAll();
  };
}

function lineOf(request: IncomingMessage): Line | undefined {
  const connection: Duplex = request.socket;
  return connection instanceof Line ? connection : undefined;
}

/**
 * Counts requests in flight and disconnects clients that send a body or read a response too
 * slowly. Event streams are counted separately.
 */
export function trackRequests(server: FastifyInstance, parts: RequestTrackingDeps): void {
  const { concurrencyLimiter, timeouts } = parts;
  const open = new Map<ServerResponse, Exchange>();
  const leave = function (this: ServerResponse): void {
    if (open.get(this)?.isSlow === false) concurrencyLimiter.leave();
    open.delete(this);
  };
  server.addHook('onRequest', (request, reply, done) => {
    const { url = '', config } = reply.routeOptions;
    if (!config.eventStream && !parts.always.has(url)) {
      open.set(reply.raw, { request: request.raw, since: performance.now(), isSlow: false });
      concurrencyLimiter.enter();
      reply.raw.on('close', leave);
    }
    done();
  });
  const timer = setInterval(() => {
    const now = performance.now();
    for (const exchange of open.values()) {
      const { request, since } = exchange;
      const age = now - since;
      const isSlow = !request.complete && age > slowMs;
      if (isSlow !== exchange.isSlow) {
        exchange.isSlow = isSlow;
        if (isSlow) concurrencyLimiter.leave();
        else concurrencyLimiter.enter();
      }
      if (!request.complete && age > bodyTime(request, timeouts)) parts.tooSlow(request.socket);
      else if (age > timeouts.wholeMs) request.socket.destroy();
    }
  }, timeouts.checkMs).unref();
  server.addHook('onClose', async () => clearInterval(timer));
}

function bodyTime({ headers }: IncomingMessage, { bodyMs, uploadMs }: RequestTimeouts): number {
  return headers['content-type']?.startsWith('multipart/') === true ? uploadMs : bodyMs;
}
