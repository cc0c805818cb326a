import type { FastifyInstance } from 'fastify';

/** Default security headers. A response may override them. */
type SecurityHeaders = Readonly<Record<string, string>>;

/**
 * The headers that helmet would set (a test compares them), with a stricter content security
 * policy, because a JSON response loads no resources. They are listed here because helmet would
 * build all of them again for each request.
 */
export const apiHeaders: SecurityHeaders = Object.freeze({
  'content-security-policy':
    "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-frame-options': 'SAMEORIGIN',
  'x-permitted-cross-domain-policies': 'none',
  'x-xss-protection': '0',
});

/**
 * Adds these headers and the request id to every response of this instance. Later hooks and routes
 * may override the headers; pages, for example, have another content security policy.
 */
export function addSecurityHeaders(server: FastifyInstance, headers: SecurityHeaders): void {
  server.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers);
    reply.header('x-request-id', request.id);
    done();
  });
}
