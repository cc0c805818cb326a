import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * The page that contains the forms sent to this route, as a path pattern such as `/toko/:id`.
     * Only needed where it is not the nearest page above the route's path.
     */
    formPage?: string;
    /** True when the route only redirects to the page of its form. */
    leadsBack?: boolean;
  }
}

/**
 * Knows the page of the form of each POST route. A form's path is no page, but people open it by
 * reload, by the language link or from their history: GET redirects them to the form's page.
 */
export class FormPages {
  readonly #pages = new Set<string>();
  /** The page that each POST route names, by the route's path without the language. */
  readonly #named = new Map<string, string | undefined>();
  /** The path without the language of each form route, by its full pattern. */
  readonly #paths = new Map<string, string>();

  /** Records every route that is registered on this instance from now on. */
  collect(scope: FastifyInstance): void {
    scope.addHook('onRoute', ({ url, routePath, method, config }) => {
      const methods = [method].flat();
      if (config?.leadsBack === true) return;
      if (methods.includes('GET')) this.#pages.add(routePath);
      if (!methods.includes('POST')) return;
      this.#named.set(routePath, config?.formPage);
      this.#paths.set(url, routePath);
    });
  }

  /** Adds a GET redirect to the form's page for each path that only accepts POST. */
  leadBack(scope: FastifyInstance): void {
    for (const path of this.#named.keys()) {
      if (this.#pages.has(path)) continue;
      const page = this.#patternOf(path);
      scope.get(path, { config: { leadsBack: true } }, async (request, reply) =>
        reply.redirect(request.visit.url(fillPath(page, request)), 303),
      );
    }
  }

  /**
   * Returns the path of the page whose form sent the request, without language and query;
   * undefined when the request is not from a form.
   */
  pageOf(request: FastifyRequest): string | undefined {
    if (request.method !== 'POST') return undefined;
    const path = this.#paths.get(request.routeOptions.url ?? '');
    return path === undefined ? undefined : fillPath(this.#patternOf(path), request);
  }

  /** Returns the nearest page at or above a path, unless its route names another one. */
  #patternOf(path: string): string {
    const named = this.#named.get(path);
    if (named !== undefined) return named;
    let above = path;
    while (above !== '' && !this.#pages.has(above)) above = above.slice(0, above.lastIndexOf('/'));
    return above || '/';
  }
}

/** Fills the request's parameters into a pattern. */
function fillPath(pattern: string, request: FastifyRequest): string {
  const params = request.params as Readonly<Record<string, string | undefined>>;
  const part = (one: string) =>
    one.startsWith(':') ? encodeURIComponent(params[one.slice(1)] ?? '') : one;
  return pattern.split('/').map(part).join('/');
}
