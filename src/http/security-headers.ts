import type { FastifyInstance } from 'fastify';

/** What a browser may do with an answer, unless the answer itself says otherwise. */
type SecurityHeaders = Readonly<Record<string, string>>;

/**
 * What helmet sets, which a test holds these equal to, with a stricter policy: a JSON answer needs
 * nothing from anywhere. Written out because helmet makes every one of them anew for each request.
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
 * Sets these headers, and the request's id, on every answer of this instance; what a hook or a
 * route after it sets takes their place (pages have a policy of their own).
 */
export function addSecurityHeaders(server: FastifyInstance, headers: SecurityHeaders): void {
  server.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers);
    reply.header('x-request-id', request.id);
    done();
  });
}
