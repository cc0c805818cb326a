import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { FastifyInstance, FastifyServerFactory } from 'fastify';
import type { Metrics } from '../observability/metrics.ts';
import type { ConcurrencyLimiter } from './concurrency-limit.ts';
import { Doorstep, Line } from './doorstep.ts';
import { pathOf, sendOverloadResponse } from './overload-response.ts';

/** How long clients may take, in milliseconds, and how many of them there may be. */
export const defaultTimeouts = {
  /** From the connection, or the first byte of a further request, to the end of its headers. */
  headersMs: 10_000,
  /** To the end of its body; a form with a file has longer: 5 MB take a slow phone a minute. */
  bodyMs: 15_000,
  uploadMs: 120_000,
  /** From its headers to the last byte of the answer; event streams aside. */
  wholeMs: 300_000,
  /** Without a byte in either direction; event streams beat more often. */
  silentMs: 60_000,
  /** Between two requests of a connection. */
  idleMs: 72_000,
  /** How often all this is looked after. */
  checkMs: 1_000,
  /** Further ones are closed as they come. A connection at rest costs some 10 KB. */
  mostConnections: 20_000,
};
export type RequestTimeouts = typeof defaultTimeouts;

/** Whoever sends a body for longer than this waits for nobody: others take the place meanwhile. */
const slowMs = 1_000;

interface Exchange {
  readonly request: IncomingMessage;
  readonly since: number;
  /** Not counted among those in flight, because its body is still on its way. */
  isSlow: boolean;
}

/** What looks after the requests of a server. */
export interface RequestTrackingDeps {
  readonly admission: ConcurrencyLimiter;
  readonly metrics: Pick<Metrics, 'connectionsRefused'>;
  /** Paths that are answered however many requests are in flight. */
  readonly always: ReadonlySet<string>;
  readonly timeouts: RequestTimeouts;
  /** The process is going to stop: no connection is kept for another request. */
  readonly isDraining?: (() => boolean) | undefined;
  /** Ends a connection whose request did not come in time, with an answer where there can be one. */
  readonly tooSlow: (socket: Socket) => void;
}

/**
 * Makes the HTTP server of Fastify: a request that finds no room is turned away before Fastify
 * hears of it, and connections are bounded in number and in time.
 */
export function boundedServer(parts: RequestTrackingDeps): FastifyServerFactory<Server> {
  const { admission, always, metrics, timeouts: most, isDraining } = parts;
  return (handler) => {
    const server = createServer(
      {
        headersTimeout: most.headersMs,
        requestTimeout: most.uploadMs,
        keepAliveTimeout: most.idleMs,
        connectionsCheckingInterval: most.checkMs,
      },
      (request, response) => {
        const line = lineOf(request);
        if (line) response.once('close', () => request.complete && line.answered());
        if (admission.hasRoom() || always.has(pathOf(request.url ?? '/')))
          return handler(request, response);
        admission.shed();
        // It comes again by the doorstep, where turning it away costs less.
        if (!line || isDraining?.()) response.shouldKeepAlive = false;
        sendOverloadResponse(request, response);
      },
    );
    server.setTimeout(most.silentMs);
    const [takeIn] = server.listeners('connection');
    server.removeAllListeners('connection');
    const letIn = (connection: Duplex): void => void takeIn?.call(server, connection as Socket);
    const { headersMs: firstMs, silentMs } = most;
    const doorstep = new Doorstep({ admission, always, firstMs, silentMs, isDraining, letIn });
    closeWith(server, doorstep);
    let open = 0;
    const gone = () => void open--;
    // By whichever door somebody comes: the server's own bound knows of one.
    server.on('connection', (socket) => {
      open++;
      socket.once('close', gone);
      if (open > most.mostConnections) {
        metrics.connectionsRefused.inc();
        socket.destroy();
      } else if (admission.isPressed) {
        doorstep.take(socket);
      } else {
        letIn(socket);
      }
    });
    return server;
  };
}

/** The server knows of nobody who waits on the doorstep: who is to go there goes with the others. */
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
 * Counts what is being answered, and cuts off whoever sends a body or reads an answer too slowly.
 * Event streams are counted by themselves.
 */
export function trackRequests(server: FastifyInstance, parts: RequestTrackingDeps): void {
  const { admission, timeouts: most } = parts;
  const open = new Map<ServerResponse, Exchange>();
  const leave = function (this: ServerResponse): void {
    if (open.get(this)?.isSlow === false) admission.leave();
    open.delete(this);
  };
  server.addHook('onRequest', (request, reply, done) => {
    const { url = '', config } = reply.routeOptions;
    if (!config.eventStream && !parts.always.has(url)) {
      open.set(reply.raw, { request: request.raw, since: performance.now(), isSlow: false });
      admission.enter();
      reply.raw.on('close', leave);
    }
    done();
  });
  const look = setInterval(() => {
    const now = performance.now();
    for (const exchange of open.values()) {
      const { request, since } = exchange;
      const age = now - since;
      const isSlow = !request.complete && age > slowMs;
      if (isSlow !== exchange.isSlow) {
        exchange.isSlow = isSlow;
        if (isSlow) admission.leave();
        else admission.enter();
      }
      if (!request.complete && age > bodyTime(request, most)) parts.tooSlow(request.socket);
      else if (age > most.wholeMs) request.socket.destroy();
    }
  }, most.checkMs).unref();
  server.addHook('onClose', async () => clearInterval(look));
}

function bodyTime({ headers }: IncomingMessage, { bodyMs, uploadMs }: RequestTimeouts): number {
  return headers['content-type']?.startsWith('multipart/') === true ? uploadMs : bodyMs;
}
