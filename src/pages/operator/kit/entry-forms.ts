import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DomainError } from '../../../errors/errors.ts';
import type { PagePlugin } from '../../../http/page-response.ts';
import { authorize, type Action } from '../../../identity/policy.ts';
import { withFlash, type FlashMessage } from '../../kit/flash.ts';
import { params } from './parts.ts';
import { runAction } from '../../kit/form-action.ts';

/** A page that lists the entries of a work queue. Each entry has forms. */
interface QueuePage {
  /** The path of the page, without the language prefix. */
  readonly listPath: string;
  /** The permission that the forms on the page need. */
  readonly action: Action;
  /** Sends the page again with the reason why a form was refused. */
  show(request: FastifyRequest, reply: FastifyReply, refused: DomainError): Promise<FastifyReply>;
}

/** Runs the operation of a form for the entry with this id. */
type Verb = (request: FastifyRequest, id: string) => Promise<{ readonly campaign_id: string }>;

/**
 * Returns a function that registers a form of the entries in a work queue. Its arguments are the
 * last part of the form's path, the message after success, and the operation. If the operation is
 * refused, the page is shown again with the reason.
 */
export function entryForms(
  server: Parameters<PagePlugin>[0],
  { listPath, action, show }: QueuePage,
) {
  return (path: string, done: FlashMessage, verb: Verb): void => {
    server.post(`${listPath}/:id/${path}`, { schema: { params } }, async (request, reply) => {
      authorize(request.visit.actor, action);
      return await runAction(request, reply, {
        run: () => verb(request, request.params.id),
        next: withFlash(listPath, done),
        showAgain: (refused) => show(request, reply, refused),
      });
    });
  };
}
