import type { FastifyRequest } from 'fastify';

type RouteOptions = FastifyRequest['routeOptions'];

const known = Symbol('route options');

/**
 * Returns the options of the route of a request. Fastify builds this object again whenever
 * `routeOptions` is read, and several hooks of each request need it.
 */
export function routeOf(request: FastifyRequest): RouteOptions {
  const holder = request as { [known]?: RouteOptions };
  return (holder[known] ??= request.routeOptions);
}
