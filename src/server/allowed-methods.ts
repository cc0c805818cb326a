import type { FastifyInstance } from 'fastify';

/** Returns the HTTP methods that a path accepts. The list is empty if no route matches the path. */
export type AllowedMethods = (path: string) => readonly string[];

/**
 * Records every route that is registered on this instance from now on. A request with a wrong
 * method is then answered with 405 instead of 404, which is for a path without any route.
 */
export function collectAllowedMethods(server: FastifyInstance): AllowedMethods {
  const routes = new Map<string, { shape: RegExp; methods: Set<string> }>();
  server.addHook('onRoute', ({ url, method }) => {
    const known = routes.get(url) ?? { shape: shapeOf(url), methods: new Set() };
    for (const one of [method].flat()) known.methods.add(one);
    routes.set(url, known);
  });
  return (path) => {
    const matching = [...routes.values()].filter(({ shape }) => shape.test(path));
    return [...new Set(matching.flatMap(({ methods }) => [...methods]))].toSorted();
  };
}

/**
 * Converts a route pattern to a regular expression. `:name` matches one path segment, `*` matches
 * the rest of the path.
 */
function shapeOf(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    if (segment.startsWith(':')) return '[^/]+';
    return segment.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  });
  return new RegExp(`^${segments.join('/')}$`);
}
