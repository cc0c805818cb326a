import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { LogLevel } from '../settings.ts';
import type { Metrics } from '../metrics.ts';

/** A log and the way to have all of it written before the process leaves. */
export interface Log {
  readonly log: Logger;
  flush(): void;
}

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
    serializers: { err: errorFields },
    redact: {
      paths: ['authorization', 'headers', 'token', 'shipping_address', 'note', '*.authorization'],
      censor: '[redacted]',
    },
  };
  if (destination) return { log: pino(options, destination), flush: () => undefined };
  const output = pino.destination({ fd: 1, sync: false });
  return { log: pino(options, output), flush: () => flushed(output) };
}

/**
 * Logs and measures each answer: the route's pattern, never the address with what callers put
 * into it, and never a header or a body.
 */
export function logAnswers(server: FastifyInstance, metrics: Metrics): void {
  server.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'unmatched';
    const { method } = request;
    const status = reply.statusCode;
    const seconds = reply.elapsedTime / 1_000;
    if (!request.routeOptions.config.eventStream) {
      metrics.httpDuration.observe({ method, route, status: String(status) }, seconds);
    }
    const ms = Math.round(reply.elapsedTime * 10) / 10;
    const caller = request.actor?.kind;
    request.log.info({ method, route, status, ms, caller, ...subjectOf(request) }, 'answered');
  });
}

/** The campaign or participation that the path names, when it does so properly. */
function subjectOf({ params, routeOptions }: FastifyRequest): { [field: string]: string } {
  const { id } = (params ?? {}) as { id?: unknown };
  const noun = /\/(campaign|participation|product)s\/:id/.exec(routeOptions.url ?? '')?.[1];
  if (noun === undefined || typeof id !== 'string' || !/^[0-9a-f-]{36}$/i.test(id)) return {};
  return { [`${noun}_id`]: id };
}

/**
 * What the log keeps of an error. The `detail` and `where` of PostgreSQL quote rows, and rows hold
 * addresses: they are left out.
 */
function errorFields(error: unknown, depth = 0): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code, constraint } = error as Error & { code?: unknown; constraint?: unknown };
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...(code === undefined ? {} : { code }),
    ...(constraint === undefined ? {} : { constraint }),
    ...(error.cause === undefined || depth > 3
      ? {}
      : { cause: errorFields(error.cause, depth + 1) }),
  };
}

function flushed(output: { flushSync(): void }): void {
  try {
    output.flushSync();
  } catch {
    // Nothing was ever written, or standard output is gone: there is nobody to tell.
  }
}
