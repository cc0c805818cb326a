import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.ts';
import type { Mailer } from '../mail/mailer.ts';
import { DomainError } from '../errors/errors.ts';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Protects against cross-site request forgery (CSRF): rejects a state-changing request unless a
 * page of this site sent it. Checks the header `Sec-Fetch-Site`, which every browser since 2023
 * sends and no page can set, or else `Origin`. Also rejects a request with neither header, unless
 * it has credentials in `Authorization`, because no browser adds that header by itself.
 */
export function csrfGuard(server: FastifyInstance, publicUrl: string | undefined): void {
  server.addHook('onRequest', async (request) => {
    if (safeMethods.has(request.method) || request.headers.authorization !== undefined) return;
    if (!isFromThisSite(request, publicUrl)) throw new DomainError('foreign_form', {});
  });
}

function isFromThisSite(request: FastifyRequest, publicUrl: string | undefined): boolean {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin';
  return request.headers.origin === originOf(request, publicUrl);
}

/**
 * Returns the origin for links in e-mails to other people. The sender of a request controls its
 * Host header. So the origin of the request is used only where e-mails are captured instead of
 * sent.
 */
export function originForEmails(
  {
    config,
    mailer,
    siteUrl,
  }: { readonly config: Config; readonly mailer: Mailer; readonly siteUrl: string },
  request: FastifyRequest,
): string {
  return mailer.outbox === undefined ? siteUrl : originOf(request, config.http.publicUrl);
}

/**
 * Returns the public origin of the site: the configured one, or else the origin of this request.
 */
export function originOf(request: FastifyRequest, publicUrl: string | undefined): string {
  return publicUrl ?? `${request.protocol}://${request.host}`;
}
