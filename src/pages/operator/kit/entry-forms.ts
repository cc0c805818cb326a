import type { FastifyReply, FastifyRequest } from 'fastify';
import type { DomainError } from '../../../errors/errors.ts';
import type { PagePlugin } from '../../../http/page-response.ts';
import { authorize, type Action } from '../../../identity/policy.ts';
import { withFlash, type FlashMessage } from '../../kit/flash.ts';
import { params } from './parts.ts';
import { runAction } from '../../kit/form-action.ts';

/** A work queue whose entries have forms. */
interface QueuePage {
  /** The path, without the language. */
  readonly listPath: string;
  /** The permission that its forms need. */
  readonly action: Action;
  /** Sends the page with the refusal of a form. */
  show(request: FastifyRequest, reply: FastifyReply, refused: DomainError): Promise<FastifyReply>;
}

/** The action of an entry's form. */
type Verb = (request: FastifyRequest, id: string) => Promise<{ readonly campaign_id: string }>;

/**
 * Returns a function that registers the form of an entry: its path below the entry, the success
 * message, and its action. A refusal shows the page again.
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
