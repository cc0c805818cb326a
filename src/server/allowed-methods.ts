import type { FastifyInstance } from 'fastify';

/** Gives the methods that a path can be asked with; empty when there is nothing at it. */
export type AllowedMethods = (path: string) => readonly string[];

/**
 * Notes every route that is registered on this instance from now on, so that a request with the
 * wrong method is told apart from one for nothing.
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

/** A route's pattern as an expression: `:name` is one segment, `*` the rest. */
function shapeOf(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    if (segment.startsWith(':')) return '[^/]+';
    return segment.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  });
  return new RegExp(`^${segments.join('/')}$`);
}
