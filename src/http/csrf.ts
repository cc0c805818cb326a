import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Config } from '../config/config.ts';
import type { Mailer } from '../mail/mailer.ts';
import { DomainError } from '../errors/errors.ts';

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Refuses what changes something unless a page of this site sent it (cross-site request forgery):
 * by `Sec-Fetch-Site`, which every browser since 2023 sends and no page can set, else by `Origin`.
 * A request that tells neither is refused as well, unless it brings its own credentials in
 * `Authorization`, which no browser adds by itself.
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
 * Where links in mails to others lead. Whoever has a mail sent says with its Host header where this
 * request reached the site, which counts only where mails are written instead of being sent.
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

/** Where the site is reached from outside: as configured, else as this request reached it. */
export function originOf(request: FastifyRequest, publicUrl: string | undefined): string {
  return publicUrl ?? `${request.protocol}://${request.host}`;
}
