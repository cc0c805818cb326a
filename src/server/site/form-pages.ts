import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * The path pattern of the page with the forms that are sent to this route, such as `/toko/:id`.
     * Only needed if that page is not at the nearest path above the route's path.
     */
    formPage?: string;
    /** True if the route only redirects to the page of its form. */
    leadsBack?: boolean;
  }
}

/**
 * Finds the page whose form is sent to a POST route. The path of such a route has no page of its
 * own, but users request it with GET: by a reload, by the language link, or from their history.
 * They are redirected to the page of the form.
 */
export class FormPages {
  readonly #pages = new Set<string>();
  /**
   * The page that a POST route names in its options. The key is the path of the route without the
   * language.
   */
  readonly #named = new Map<string, string | undefined>();
  /** The path without the language of each POST route. The key is the full route pattern. */
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

  /**
   * Adds a GET route for each path that accepts only POST. It redirects to the page of the form.
   */
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
   * Returns the path of the page with the form that was sent, without language and query. Returns
   * undefined when the request is not from a form.
   */
  pageOf(request: FastifyRequest): string | undefined {
    if (request.method !== 'POST') return undefined;
    const path = this.#paths.get(request.routeOptions.url ?? '');
    return path === undefined ? undefined : fillPath(this.#patternOf(path), request);
  }

  /**
   * Returns the page that the route at this path names, or else the nearest page at or above the
   * path.
   */
  #patternOf(path: string): string {
    const named = this.#named.get(path);
    if (named !== undefined) return named;
    let above = path;
    while (above !== '' && !this.#pages.has(above)) above = above.slice(0, above.lastIndexOf('/'));
    return above || '/';
  }
}

/** Replaces the parameters in a path pattern with the values of the request. */
function fillPath(pattern: string, request: FastifyRequest): string {
  const params = request.params as Readonly<Record<string, string | undefined>>;
  const part = (one: string) =>
    one.startsWith(':') ? encodeURIComponent(params[one.slice(1)] ?? '') : one;
  return pattern.split('/').map(part).join('/');
}
