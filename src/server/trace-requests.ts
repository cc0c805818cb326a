import type { FastifyInstance } from 'fastify';
import type { Span, SpanOptions, Trace } from '../observability/trace.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Of this request, where traces were asked for. */
    span?: Span;
  }
}

/**
 * Makes each request a span, a part of its caller's trace where it brings one (W3C Trace Context).
 * What is told of it is its method, the pattern of its route and its status.
 */
export function traceRequests(server: FastifyInstance, trace: Trace): void {
  server.addHook('onRequest', (request, reply, done) => {
    const { url: route = 'unmatched' } = reply.routeOptions;
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
  // The lowest bit says whether the caller keeps the trace ("sampled").
  return { traceId, spanId, isKept: (Number.parseInt(flags, 16) & 1) === 1 };
}
