import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import type { FastifyInstance } from 'fastify';
import { DomainError } from '../errors/errors.ts';
import type { LogLevel } from '../config/settings.ts';
import type { Metrics } from '../observability/metrics.ts';

/** A logger and a function that flushes it before the process exits. */
export interface Log {
  readonly log: Logger;
  flush(): void;
}

/**
 * Log lines are collected and written together when they have this many bytes, and at least at this
 * interval in milliseconds. One write per line would take as long as building the line.
 */
const gathered = { minLength: 4_096, periodicFlush: 100 };

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
  const output = pino.destination({ fd: 1, sync: false, ...gathered });
  return { log: pino(options, output), flush: () => flush(output) };
}

/**
 * Logs and measures every response. The route pattern is logged instead of the URL; user input in
 * URLs, headers and bodies is never logged.
 */
export function logResponses(server: FastifyInstance, metrics: Metrics): void {
  // These log lines contain no user input, so they need no redaction.
  const log = server.log.child({}, { redact: [] });
  server.addHook('onResponse', (request, reply, done) => {
    const { url: route = 'unmatched', config } = reply.routeOptions;
    const { id: request_id, method } = request;
    const { elapsedTime, statusCode: status } = reply;
    if (!config.eventStream) {
      metrics.httpDuration.observe({ method, route, status: String(status) }, elapsedTime / 1_000);
    }
    const ms = Math.round(elapsedTime * 10) / 10;
    const caller = request.actor?.kind;
    const line = { request_id, method, route, status, ms, caller };
    log.info(withSubject(line, route, request.params), 'answered');
    done();
  });
}

/** Adds the id of the campaign or participation from the path to a log line, if the id is valid. */
function withSubject(line: object, route: string, params: unknown): object {
  const { id } = (params ?? {}) as { id?: unknown };
  if (typeof id !== 'string' || !/^[0-9a-f-]{36}$/i.test(id)) return line;
  const noun = /\/(campaign|participation|product)s\/:id/.exec(route)?.[1];
  return noun === undefined ? line : { ...line, [`${noun}_id`]: id };
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

function flush(output: { flushSync(): void }): void {
  try {
    output.flushSync();
  } catch {
    // No log line was written yet, or standard output is closed.
  }
}
