import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import type { FastifyInstance } from 'fastify';
import { DomainError } from '../errors/errors.ts';
import type { LogLevel } from '../config/settings.ts';
import type { Metrics } from '../observability/metrics.ts';

/** A log and the way to have all of it written before the process leaves. */
export interface Log {
  readonly log: Logger;
  flush(): void;
}

/**
 * Lines are written when there are so many bytes of them, and after this long in any case: a write
 * for each costs as much as making it.
 */
const gathered = { minLength: 4_096, periodicFlush: 100 };

/**
 * The log of the process: one event one line of JSON on standard output, written off the hot
 * path. `destination` is for tests.
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
  return { log: pino(options, output), flush: () => flushed(output) };
}

/**
 * Logs and measures each answer: the route's pattern, never the address with what callers put
 * into it, and never a header or a body.
 */
export function logResponses(server: FastifyInstance, metrics: Metrics): void {
  // Nothing in these lines is a caller's text, so there is nothing to look for and cross out.
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

/** Adds the campaign or participation that the path names, when it does so properly. */
function withSubject(line: object, route: string, params: unknown): object {
  const { id } = (params ?? {}) as { id?: unknown };
  if (typeof id !== 'string' || !/^[0-9a-f-]{36}$/i.test(id)) return line;
  const noun = /\/(campaign|participation|product)s\/:id/.exec(route)?.[1];
  return noun === undefined ? line : { ...line, [`${noun}_id`]: id };
}

/**
 * What the log keeps of an error. The `detail` and `where` of PostgreSQL quote rows, and rows hold
 * addresses: they are left out. An error that passes by itself, such as a busy database, is no
 * fault of the code: neither it nor its causes have a stack.
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

function flushed(output: { flushSync(): void }): void {
  try {
    output.flushSync();
  } catch {
    // Nothing was ever written, or standard output is gone: there is nobody to tell.
  }
}
