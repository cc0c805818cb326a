import type { FastifyRequest } from 'fastify';

/** What the browser calls itself. */
export function deviceOf(request: FastifyRequest): string {
  return request.headers['user-agent'] ?? '';
}
