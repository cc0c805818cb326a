import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { layout, type PageProps } from '../web/layout.ts';
import type { PageContext } from '../web/visit.ts';
import { showKept } from './kept-form-page.ts';
import type { KeptForm } from './kept-form.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * The context of the page, such as its language and the user. It is set for every route of the
     * site.
     */
    visit: PageContext;
    /** Form input for this page that was saved before the user had to sign in again. */
    keptForm: KeptForm | undefined;
  }
}

/** A Fastify plugin with the pages of one part of the site. It is registered once per language. */
export type PagePlugin = FastifyPluginAsyncTypebox;

/** The server that a page plugin registers its routes on. */
export type PageServer = Parameters<PagePlugin>[0];

/** Sends a page; the default status is 200. */
export function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: PageProps,
  status = 200,
): FastifyReply {
  return sendHtml(reply.code(status), documentOf(request, page, status));
}

/**
 * Renders the HTML document of a page. Restores the form input that was saved before the user had
 * to sign in again.
 */
function documentOf(request: FastifyRequest, page: PageProps, status: number): string {
  const document = layout(request.visit, page).toString();
  const { keptForm, visit } = request;
  return keptForm === undefined || status !== 200 ? document : showKept(visit, document, keptForm);
}

/**
 * Redirects with status 303 after a form was processed. The browser then requests the next page
 * with GET, so reloading that page does not send the form twice.
 */
export function redirect(request: FastifyRequest, reply: FastifyReply, path: string): FastifyReply {
  return reply.redirect(request.visit.url(path), 303);
}

function sendHtml(reply: FastifyReply, document: string): FastifyReply {
  return asPage(reply).send(document);
}

/**
 * Sets the cache headers of a page: only the user's browser may store it, and must revalidate it on
 * each visit.
 */
export function asPage(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'private, no-cache').type('text/html; charset=utf-8');
}

/**
 * Sends a page with a secret that is shown once. Browsers must not store the page, not even on
 * disk.
 */
export function sendSecretPage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: PageProps,
  status = 200,
): FastifyReply {
  const document = documentOf(request, page, status);
  return asPage(reply.code(status)).header('cache-control', 'no-store').send(document);
}

/** Returns the given value if it is a path of this site; otherwise the path of the home page. */
export function localPath(given: unknown): string {
  const isPath = typeof given === 'string' && /^\/(?![/\\])[^\s\\]{0,500}$/.test(given);
  return isPath ? given : '/';
}
