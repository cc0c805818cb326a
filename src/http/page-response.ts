import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { layout, type PageProps } from '../web/layout.ts';
import type { PageContext } from '../web/visit.ts';
import { showKept } from './kept-form-page.ts';
import type { KeptForm } from './kept-form.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What pages know of whoever looks; set for every route of the site. */
    visit: PageContext;
    /** What was typed on this page before its reader had to sign in again. */
    keptForm: KeptForm | undefined;
  }
}

/** The pages of one part of the site; registered once for each language. */
export type PagePlugin = FastifyPluginAsyncTypebox;

/** Sends a page; its status is 200 unless told. */
export function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: PageProps,
  status = 200,
): FastifyReply {
  return sendHtml(reply.code(status), documentOf(request, page, status));
}

/** The whole document of a page, with what its reader had typed there before signing in again. */
function documentOf(request: FastifyRequest, page: PageProps, status: number): string {
  const document = layout(request.visit, page).toString();
  const { keptForm, visit } = request;
  return keptForm === undefined || status !== 200 ? document : showKept(visit, document, keptForm);
}

/** After a form was taken: the next page is got with GET, so that reloading sends nothing twice. */
export function redirect(request: FastifyRequest, reply: FastifyReply, path: string): FastifyReply {
  return reply.redirect(request.visit.url(path), 303);
}

function sendHtml(reply: FastifyReply, document: string): FastifyReply {
  return asPage(reply).send(document);
}

/** The answer is a page: of one reader, and looked for again whenever it is opened. */
export function asPage(reply: FastifyReply): FastifyReply {
  return reply.header('cache-control', 'private, no-cache').type('text/html; charset=utf-8');
}

/** Sends a page with something that is shown this once: no browser keeps it, also not on its disk. */
export function sendSecretPage(
  request: FastifyRequest,
  reply: FastifyReply,
  page: PageProps,
  status = 200,
): FastifyReply {
  const document = documentOf(request, page, status);
  return asPage(reply.code(status)).header('cache-control', 'no-store').send(document);
}

/** A path of this site to go back to; anything else is the home page. */
export function localPath(given: unknown): string {
  const isPath = typeof given === 'string' && /^\/(?![/\\])[^\s\\]{0,500}$/.test(given);
  return isPath ? given : '/';
}
