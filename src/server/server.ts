import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Fastify, { LogController } from 'fastify';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifyServerOptions,
} from 'fastify';
import type { Logger } from 'pino';
import type { Database } from '../database/pool.ts';
import type { LiveUpdates } from '../live/live-updates.ts';
import type { Metrics } from '../observability/metrics.ts';
import type { Trace } from '../observability/trace.ts';
import type { ConcurrencyLimiter } from '../overload/concurrency-limit.ts';
import { DomainError } from '../errors/errors.ts';
import { collectAllowedMethods } from './allowed-methods.ts';
import { parseFields, registerBodyParsers } from '../http/body-parsers.ts';
import { limitJsonBodies, maxJsonBytes } from '../http/body-limits.ts';
import { authenticateCallers, type CallerLimits } from '../http/authentication.ts';
import { rejectCompressedRequests } from '../http/content-encoding.ts';
import { closeListeners } from '../overload/listen.ts';
import { LoadShedder } from '../overload/load-shedder.ts';
import type { RetryDelaysOptions } from '../overload/retry-delays.ts';
import { boundedServer, defaultTimeouts, trackRequests } from '../overload/request-timeouts.ts';
import type { RequestTrackingDeps, RequestTimeouts } from '../overload/request-timeouts.ts';
import { addressMatcher, detectUntrustedProxies } from './forwarded-headers.ts';
import { healthRoutes, registerProbes } from './probes.ts';
import type { HealthSources } from './probes.ts';
import { validateHost } from './host-header.ts';
import { registerIdempotencyKeys } from './idempotency-key.ts';
import { encodeLocations } from './location-header.ts';
import { logResponses } from './logging.ts';
import { documentApi } from './openapi.ts';
import { handleError, knownError, rawProblem, sendProblem } from '../http/problem.ts';
import { lazyRequestLog } from './request-logger.ts';
import { documentRouteProblems } from './route-problems.ts';
import { markSensitiveRoutes } from './sensitive-routes.ts';
import { apiHeaders, addSecurityHeaders } from '../http/security-headers.ts';
import type { WaitingPlaces } from '../overload/waiting-place.ts';
import { pathOf } from '../overload/priority.ts';
import type { PagePlugin } from '../http/page-response.ts';
import { sendNotFoundPage, registerSite, type SiteDeps } from './site/site.ts';
import type { UploadSpeed } from '../uploads/upload-limit.ts';
import { countUploads } from '../uploads/uploads.ts';
import { rejectUnknownFields } from './unknown-fields.ts';
import { serializerCompiler } from '../http/serialization.ts';
import { validatorCompiler } from '../http/validation.ts';

/** The dependencies of the server itself. The routes declare their own dependencies. */
export interface ServerDeps extends SiteDeps, HealthSources {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly concurrencyLimiter: ConcurrencyLimiter;
  readonly waitingPlaces: WaitingPlaces;
  readonly live: LiveUpdates;
  /** Exports traces; undefined if no trace exporter is configured. */
  readonly trace: Trace | undefined;
  /** The database in which idempotency keys are stored. */
  readonly db: Database;
}

/** Limits for clients that differ from the defaults. */
export interface ClientLimits extends Partial<RequestTimeouts> {
  readonly uploadSpeed?: Partial<UploadSpeed>;
  readonly namelessJoins?: CallerLimits['namelessJoins'];
  readonly retryDelaysMs?: RetryDelaysOptions['delaysMs'];
}

/** The common prefix of all API paths. */
export const apiPrefix = '/api/sambatan';

/**
 * Builds the HTTP server around the routes of the slices. The code adds the parts in the order in
 * which a request passes through them. The server does not listen yet.
 */
export async function buildServer(
  app: ServerDeps,
  routes: readonly FastifyPluginAsyncTypebox[],
  pages: readonly PagePlugin[] = [],
  files: readonly PagePlugin[] = [],
  clients: ClientLimits = {},
): Promise<FastifyInstance> {
  const exchanges: RequestTrackingDeps = {
    ...app,
    loadShedder: new LoadShedder(app.concurrencyLimiter, app.waitingPlaces, {
      isProxy: addressMatcher(app.config.http.trustedProxies),
      delaysMs: clients.retryDelaysMs,
    }),
    isSignedIn,
    timeouts: { ...defaultTimeouts, ...clients },
    tooSlow: answerSlowRequest,
  };
  const server = Fastify(serverOptions(app, exchanges));
  trackRequests(server, exchanges);
  if (app.trace) {
    const { traceRequests } = await import('./trace-requests.ts');
    traceRequests(server, app.trace);
  }
  countUploads(server, clients.uploadSpeed);
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  server.setErrorHandler(handleError);
  const allowedMethods = collectAllowedMethods(server);
  addSecurityHeaders(server, apiHeaders);
  validateHost(server);
  const hasUnnamedProxy = detectUntrustedProxies(server, { log: app.log, ...app.config.http });
  logResponses(server, app.log, app.metrics);
  rejectCompressedRequests(server);
  encodeLocations(server);
  registerBodyParsers(server);
  markSensitiveRoutes(server);
  await documentApi(server);
  registerProbes(server, app, app.metrics);
  releaseConnections(server, app);
  await server.register(api(app, routes, { ...clients, hasUnnamedProxy }), { prefix: apiPrefix });
  for (const part of files) await server.register(part);
  await server.register(registerSite(app, pages));
  answerUnknownPaths(server, app, allowedMethods);
  return server;
}

/**
 * Stops the server: accepts no more requests, and answers those in flight. After `graceMs` it
 * closes the connections that are still open. Event streams are ended by another hook.
 */
export async function stopServer(server: FastifyInstance, graceMs: number): Promise<void> {
  const timer = setTimeout(() => server.server.closeAllConnections(), graceMs);
  const shut = closeListeners(server);
  try {
    await server.close();
    await shut;
  } finally {
    clearTimeout(timer);
  }
}

function serverOptions(app: ServerDeps, exchanges: RequestTrackingDeps) {
  const { config, log } = app;
  return {
    loggerInstance: log as FastifyBaseLogger,
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'request_id',
    }),
    childLoggerFactory: lazyRequestLog,
    genReqId: requestIdOf,
    // An empty list of proxies means the same as false, but Fastify would then check the sender of
    // every request.
    trustProxy: config.http.trustedProxies.length > 0 && [...config.http.trustedProxies],
    // The limit for paths without a route. Each route has its own limit.
    bodyLimit: maxJsonBytes,
    serverFactory: boundedServer(exchanges),
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    onProtoPoisoning: 'error',
    onConstructorPoisoning: 'error',
    frameworkErrors: refuseAddress(app),
    clientErrorHandler: answerBrokenRequest,
    routerOptions: { maxParamLength: 500, querystringParser: parseFields },
  } satisfies FastifyServerOptions<Server>;
}

/**
 * Answers a request with a malformed URL. No hook has run for it, so no headers are set and the
 * caller is unknown.
 */
function refuseAddress(app: ServerDeps) {
  return (error: Error, request: FastifyRequest, reply: FastifyReply): void => {
    reply.headers({ ...apiHeaders, 'x-request-id': request.id });
    if (isOfApi(request.url)) handleError(error, request, reply);
    else void sendNotFoundPage(app, request, reply, knownError(error, request));
  };
}

/** Returns whether the sender of a request was authenticated; undefined before authentication. */
function isSignedIn({ actor, visit }: Partial<FastifyRequest>): boolean | undefined {
  const sender = actor ?? visit?.actor;
  return sender && sender.kind !== 'visitor';
}

const isOfApi = (url: string) => /^\/api(?:[/?]|$)/.test(url);

/** Registers all API routes below the prefix. Their callers are authenticated. */
function api(
  app: ServerDeps,
  routes: readonly FastifyPluginAsyncTypebox[],
  {
    namelessJoins,
    hasUnnamedProxy,
  }: Pick<ClientLimits, 'namelessJoins'> & { readonly hasUnnamedProxy: () => boolean },
): FastifyPluginAsyncTypebox {
  return async (server) => {
    rejectUnknownFields(server);
    limitJsonBodies(server);
    documentRouteProblems(server);
    await server.register(healthRoutes(app, hasUnnamedProxy));
    await server.register(async (scope) => {
      authenticateCallers(scope, {
        authenticate: app.authenticate,
        joinLimitPerMinute: app.config.joins.limitPerMinute,
        namelessJoins,
      });
      registerIdempotencyKeys(scope, app.db);
      for (const slice of routes) await scope.register(slice);
    });
  };
}

/**
 * Prepares connections for a shutdown: ends the event streams, and closes each connection after its
 * response, so that no further request arrives on it.
 */
function releaseConnections(server: FastifyInstance, app: ServerDeps): void {
  let closing = false;
  server.addHook('preClose', async () => {
    closing = true;
    app.live.close();
  });
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (closing || app.isDraining()) reply.header('connection', 'close');
    done(null, payload);
  });
}

/**
 * Returns the request id. An id that the caller sent is used if it has only simple characters, so
 * that one id can identify a request in several services.
 */
function requestIdOf(request: Pick<IncomingMessage, 'headers'>): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w-]{8,64}$/.test(given) ? given : randomUUID();
}

function answerUnknownPaths(
  server: FastifyInstance,
  app: ServerDeps,
  allowedMethods: (path: string) => readonly string[],
): void {
  server.setNotFoundHandler(async (request, reply) => {
    const path = pathOf(request.url);
    const allowed = allowedMethods(path);
    const error =
      // A route for this path and method exists, but it found no content, so the status is 404 too.
      allowed.length === 0 || allowed.includes(request.method)
        ? new DomainError('not_found', {})
        : new DomainError('method_not_allowed', { allowed });
    if (error.code === 'method_not_allowed') reply.header('allow', allowed.join(', '));
    return isOfApi(path)
      ? sendProblem(request, reply, error)
      : await sendNotFoundPage(app, request, reply, error);
  });
}

/**
 * Answers a request that could not be parsed. Does nothing but close the socket if the client has
 * disconnected.
 */
function answerBrokenRequest(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(rawProblem(reasonOf(error.code)), () => socket.destroy());
}

function answerSlowRequest(socket: Socket): void {
  socket.end(rawProblem('request_timeout'), () => socket.destroy());
}

function reasonOf(code: string | undefined) {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request_timeout' : 'malformed_request';
}
