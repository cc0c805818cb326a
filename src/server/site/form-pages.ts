import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * The page whose forms are sent to this route, as a pattern of a path such as `/toko/:id`.
     * Only needed where it is not the nearest page above the route's own path.
     */
    formPage?: string;
    /** Whether the route only leads back to the page of the form that is sent there. */
    leadsBack?: boolean;
  }
}

/**
 * Knows on which page the forms of each POST route stand. A form's own path is no page, but people
 * get to it by reloading, by the language link or out of their history: GET leads them back.
 */
export class FormPages {
  readonly #pages = new Set<string>();
  /** Of each POST route, by its path without the language: the page that the route itself names. */
  readonly #named = new Map<string, string | undefined>();
  /** The path without the language of each route that takes forms, by its whole pattern. */
  readonly #paths = new Map<string, string>();

  /** Notes every route that is registered on this instance from now on. */
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

  /** Answers GET of each path that takes forms alone with the way to their page. */
  leadBack(scope: FastifyInstance): void {
    for (const path of this.#named.keys()) {
      if (this.#pages.has(path)) continue;
      const page = this.#patternOf(path);
      scope.get(path, { config: { leadsBack: true } }, async (request, reply) =>
        reply.redirect(request.visit.url(filled(page, request)), 303),
      );
    }
  }

  /**
   * The path of the page on which the form stands that a request was sent by, without language and
   * query; undefined for a request that is none of a form.
   */
  pageOf(request: FastifyRequest): string | undefined {
    if (request.method !== 'POST') return undefined;
    const path = this.#paths.get(request.routeOptions.url ?? '');
    return path === undefined ? undefined : filled(this.#patternOf(path), request);
  }

  /** The nearest page at or above a path, unless its route names another one. */
  #patternOf(path: string): string {
    const named = this.#named.get(path);
    if (named !== undefined) return named;
    let above = path;
    while (above !== '' && !this.#pages.has(above)) above = above.slice(0, above.lastIndexOf('/'));
    return above || '/';
  }
}

/** A pattern with the request's own parameters in it. */
function filled(pattern: string, request: FastifyRequest): string {
  const params = request.params as Readonly<Record<string, string | undefined>>;
  const part = (one: string) =>
    one.startsWith(':') ? encodeURIComponent(params[one.slice(1)] ?? '') : one;
  return pattern.split('/').map(part).join('/');
}
