import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance, FastifyRequest, FastifyServerFactory } from 'fastify';
import type { Metrics } from '../observability/metrics.ts';
import { routeOf } from '../http/route-of.ts';
import type { ConcurrencyLimiter, InFlight } from './concurrency-limit.ts';
import type { Acceptance, LoadShedder } from './load-shedder.ts';
import { routeClassOf } from './priority.ts';

/** Default time limits for clients in milliseconds, and the maximum number of connections. */
export const defaultTimeouts = {
  /**
   * Time limit for receiving the headers of a request. For the first request of a connection, the
   * time starts when the connection opens. For later requests, it starts with the first byte of the
   * request.
   */
  headersMs: 10_000,
  /**
   * Time limit for receiving the whole request body. A form with a file gets `uploadMs`, because a
   * slow phone needs a minute to send 5 MB.
   */
  bodyMs: 15_000,
  uploadMs: 120_000,
  /**
   * Time limit from the end of the request headers to the last byte of the response. Event streams
   * have no such limit.
   */
  wholeMs: 300_000,
  /**
   * Time after which a connection is closed if nothing was sent or received on it. Event streams
   * send heartbeats more often.
   */
  silentMs: 60_000,
  /** Time for which an idle connection is kept open for the next request (keep-alive). */
  idleMs: 72_000,
  /** Interval at which the time limits are checked. */
  checkMs: 1_000,
  /**
   * Maximum number of open connections. Further connections are closed at once. An idle connection
   * needs about 10 KB of memory.
   */
  maxConnections: 20_000,
};
export type RequestTimeouts = typeof defaultTimeouts;

/**
 * When the body of a request is still arriving after this time, the request no longer counts as in
 * flight, so that another request can be accepted instead.
 */
const slowMs = 1_000;

interface Exchange {
  readonly request: FastifyRequest;
  readonly since: number;
  /** True while the request does not count as in flight, because its body is still arriving. */
  isSlow: boolean;
  readonly acceptance: Acceptance | undefined;
  readonly inFlight: InFlight;
}

/** Dependencies of the HTTP server and of counting its requests. */
export interface RequestTrackingDeps {
  readonly concurrencyLimiter: ConcurrencyLimiter;
  readonly loadShedder: LoadShedder;
  readonly metrics: Pick<Metrics, 'connectionsRefused'>;
  readonly timeouts: RequestTimeouts;
  /**
   * Returns true when the process is about to stop. Connections are then closed after the response.
   */
  readonly isDraining: () => boolean;
  /**
   * Returns whether the sender of a request was authenticated; undefined if this was not checked.
   */
  readonly isSignedIn: (request: FastifyRequest) => boolean | undefined;
  /**
   * Closes the connection of a request that exceeded a time limit. Sends an error response first if
   * possible.
   */
  readonly tooSlow: (socket: Socket) => void;
}

/**
 * Creates the HTTP server for Fastify. It rejects requests above the concurrency limit before
 * Fastify handles them. It also limits the number of connections and how long each connection may
 * take.
 */
export function boundedServer(parts: RequestTrackingDeps): FastifyServerFactory<Server> {
  const { loadShedder, metrics, timeouts, isDraining } = parts;
  return (handler) => {
    const server = createServer(
      {
        headersTimeout: timeouts.headersMs,
        requestTimeout: timeouts.uploadMs,
        keepAliveTimeout: timeouts.idleMs,
        connectionsCheckingInterval: timeouts.checkMs,
      },
      (request, response) => {
        if (loadShedder.accepts(request, response, isDraining())) handler(request, response);
      },
    );
    server.setTimeout(timeouts.silentMs);
    const accept = server.listeners('connection')[0] as (this: Server, socket: Socket) => void;
    server.removeAllListeners('connection');
    let open = 0;
    const gone = () => void open--;
    // Counts the connections of all listening sockets. The property `maxConnections` of Node would
    // count only those of one socket.
    server.on('connection', (socket: Socket) => {
      open++;
      socket.once('close', gone);
      if (open <= timeouts.maxConnections) {
        accept.call(server, socket);
      } else {
        metrics.connectionsRefused.inc();
        socket.destroy();
      }
    });
    return server;
  };
}

/**
 * Counts the requests in flight, and disconnects clients that send a request body or read a
 * response too slowly. Event streams are counted elsewhere.
 */
export function trackRequests(server: FastifyInstance, parts: RequestTrackingDeps): void {
  const { concurrencyLimiter, loadShedder, timeouts } = parts;
  server.addHook('preClose', async () => loadShedder.close());
  const open = new Map<ServerResponse, Exchange>();
  const probes = new Set<string>();
  const joins = new Set<string>();
  server.addHook('onRoute', ({ method, url }) => {
    const routeClass = routeClassOf(String(method), url);
    if (routeClass === 'probe') probes.add(url);
    if (routeClass === 'join' && method === 'POST') joins.add(url);
  });
  const leave = function (this: ServerResponse): void {
    const exchange = open.get(this);
    if (exchange === undefined) return;
    open.delete(this);
    const { request, acceptance, inFlight, isSlow } = exchange;
    if (!isSlow) concurrencyLimiter.leave(inFlight);
    const isValid = acceptance && parts.isSignedIn(request);
    if (isValid !== undefined) loadShedder.recordCredential(acceptance!, isValid);
  };
  server.addHook('onRequest', (request, reply, done) => {
    const { url = '', config } = routeOf(request);
    if (!config.eventStream && !probes.has(url)) {
      const acceptance = loadShedder.acceptanceOf(request.raw);
      const inFlight = { claim: acceptance?.claim, isJoin: joins.has(url) };
      const since = performance.now();
      open.set(reply.raw, { request, since, isSlow: false, acceptance, inFlight });
      concurrencyLimiter.enter(inFlight);
      reply.raw.on('close', leave);
    }
    done();
  });
  const timer = setInterval(() => {
    const now = performance.now();
    for (const exchange of open.values()) {
      const { since, inFlight } = exchange;
      const request = exchange.request.raw;
      const age = now - since;
      const isSlow = !request.complete && age > slowMs;
      if (isSlow !== exchange.isSlow) {
        exchange.isSlow = isSlow;
        if (isSlow) concurrencyLimiter.leave(inFlight);
        else concurrencyLimiter.enter(inFlight);
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
