import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { layout, type PageProps } from '../web/layout.ts';
import type { PageContext } from '../web/visit.ts';
import { showKept } from './kept-form-page.ts';
import type { KeptForm } from './kept-form.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The view context of pages; set for every route of the site. */
    visit: PageContext;
    /** Input on this page from before its reader had to sign in again. */
    keptForm: KeptForm | undefined;
  }
}

/** The pages of one part of the site; registered once per language. */
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
 * Renders the document of a page, with the input that was saved before its reader signed in again.
 */
function documentOf(request: FastifyRequest, page: PageProps, status: number): string {
  const document = layout(request.visit, page).toString();
  const { keptForm, visit } = request;
  return keptForm === undefined || status !== 200 ? document : showKept(visit, document, keptForm);
}

/**
 * Redirects after a form was processed (303): the browser gets the next page with GET, so a reload
 * sends nothing twice.
 */
export function redirect(request: FastifyRequest, reply: FastifyReply, path: string): FastifyReply {
  return reply.redirect(request.visit.url(path), 303);
}

function sendHtml(reply: FastifyReply, document: string): FastifyReply {
  return asPage(reply).send(document);
}

/** Marks the response as a page: private to one reader and revalidated on each visit. */
export function asPage(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'private, no-cache').type('text/html; charset=utf-8');
}

/** Sends a page with a secret that is shown once: no browser stores it, not even on disk. */
export function sendSecretPage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: PageProps,
  status = 200,
): FastifyReply {
  const document = documentOf(request, page, status);
  return asPage(reply.code(status)).header('cache-control', 'no-store').send(document);
}

/** Returns a path of this site to go back to; the home page for any other value. */
export function localPath(given: unknown): string {
  const isPath = typeof given === 'string' && /^\/(?![/\\])[^\s\\]{0,500}$/.test(given);
  return isPath ? given : '/';
}
