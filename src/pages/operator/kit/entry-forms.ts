import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DomainError } from '../../../errors/errors.ts';
import { toResult } from '../../../http/forms.ts';
import { redirect, type PagePlugin } from '../../../http/page-response.ts';
import { authorize, type Action } from '../../../identity/policy.ts';
import { withFlash } from '../../kit/flash.ts';
import { params } from './parts.ts';

/** A page of the desk whose entries have forms. */
interface Desk {
  /** Where it is, without the language. */
  readonly here: string;
  /** What whoever sends its forms has to be allowed. */
  readonly action: Action;
  /** Sends it, with why a form was not taken. */
  show(request: FastifyRequest, reply: FastifyReply, refused: DomainError): Promise<FastifyReply>;
}

/** What the form of an entry does; the campaign that it changed is poked. */
type Verb = (request: FastifyRequest, id: string) => Promise<{ readonly campaign_id: string }>;

/**
 * Takes the forms of a page's entries: each is told of on the page once it is done, and shown with
 * why when it is refused.
 */
export function entryForms(server: Parameters<PagePlugin>[0], { here, action, show }: Desk) {
  return (path: string, news: Parameters<typeof withFlash>[1], verb: Verb): void => {
    server.post(`${here}/:id/${path}`, { schema: { params } }, async (request, reply) => {
      authorize(request.visit.actor, action);
      const done = await toResult(() => verb(request, request.params.id));
      if ('refused' in done) return await show(request, reply, done.refused);
      return redirect(request, reply, withFlash(here, news));
    });
  };
}
