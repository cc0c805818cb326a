import type { FastifyInstance } from 'fastify';
import { routeOf } from '../http/route-of.ts';
import type { Span, SpanOptions, Trace } from '../observability/trace.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The trace span of this request; undefined when tracing is off. */
    span?: Span;
  }
}

/**
 * Records a trace span for each request. If the caller sent a trace context (W3C Trace Context),
 * the span becomes a part of that trace. The span contains the method, the route pattern and the
 * status.
 */
export function traceRequests(server: FastifyInstance, trace: Trace): void {
  server.addHook('onRequest', (request, _reply, done) => {
    const { url: route = 'unmatched' } = routeOf(request);
    request.span = trace.begin(`${request.method} ${route}`, {
      kind: 'server',
      parent: parentIn(request.headers['traceparent']) ?? null,
      attributes: { 'http.request.method': request.method, 'http.route': route },
    });
    trace.within(request.span, done);
  });
  server.addHook('onResponse', (request, reply, done) => {
    const { statusCode } = reply;
    request.span?.end({ 'http.response.status_code': statusCode }, statusCode >= 500);
    done();
  });
}

function parentIn(header: unknown): SpanOptions['parent'] {
  if (typeof header !== 'string') return undefined;
  const found = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})$/.exec(header);
  const [, traceId, spanId, flags = ''] = found ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  // The lowest bit is the flag “sampled”, which the caller sets.
  return { traceId, spanId, isKept: (Number.parseInt(flags, 16) & 1) === 1 };
}
