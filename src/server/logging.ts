import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import type { FastifyInstance } from 'fastify';
import { DomainError } from '../errors/errors.ts';
import type { LogLevel } from '../config/settings.ts';
import { routeOf } from '../http/route-of.ts';
import type { Metrics } from '../observability/metrics.ts';
import { AccessLog } from './access-log.ts';
import { LogOutput } from './log-output.ts';

/** A logger and a function that flushes it before the process exits. */
export interface Log {
  readonly log: Logger;
  flush(): void;
}

/**
 * Creates the log of the process: one line of JSON per event on standard output, written
 * asynchronously. Only tests set `destination`.
 */
export function createLog(level: LogLevel, destination?: DestinationStream): Log {
  const options = {
    level,
    base: { service: 'sambatan' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: (error: unknown) => errorFields(error) },
    redact: {
      paths: ['authorization', 'headers', 'token', 'shipping_address', 'note', '*.authorization'],
      censor: '[redacted]',
    },
  };
  if (destination) return { log: pino(options, destination), flush: () => undefined };
  const output = new LogOutput();
  return { log: pino(options, output), flush: () => output.flush() };
}

/**
 * Logs and measures every response. The route pattern is logged instead of the URL; user input in
 * URLs, headers and bodies is never logged.
 */
export function logResponses(server: FastifyInstance, log: Logger, metrics: Metrics): void {
  const accessLog = new AccessLog(log);
  server.addHook('onResponse', (request, reply, done) => {
    const { url: route = 'unmatched', config } = routeOf(request);
    const { method } = request;
    const { elapsedTime: elapsedMs, statusCode: status } = reply;
    if (!config.eventStream) {
      metrics.httpDuration.observe({ method, route, status: String(status) }, elapsedMs / 1_000);
    }
    const { id: requestId, params } = request;
    const caller = request.actor?.kind;
    accessLog.write({ requestId, method, route, status, elapsedMs, caller, params });
    done();
  });
}

/**
 * Returns the fields of an error for the log. The fields `detail` and `where` of a PostgreSQL error
 * are omitted, because they can contain addresses of users. A temporary error, such as a busy
 * database, is not a bug, so it and its causes are logged without a stack trace.
 */
function errorFields(error: unknown, depth = 0, withStack = !isTemporary(error)): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code, constraint } = error as Error & { code?: unknown; constraint?: unknown };
  return {
    type: error.name,
    message: error.message,
    ...(withStack ? { stack: error.stack } : {}),
    ...(code === undefined ? {} : { code }),
    ...(constraint === undefined ? {} : { constraint }),
    ...(error.cause === undefined || depth > 3
      ? {}
      : { cause: errorFields(error.cause, depth + 1, withStack) }),
  };
}

function isTemporary(error: unknown): boolean {
  return error instanceof DomainError && error.status === 503;
}
