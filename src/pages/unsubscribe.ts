import Type from 'typebox';
import type { PageDeps } from './deps.ts';
import { DomainError } from '../errors/errors.ts';
import { formBytes } from '../http/body-limits.ts';
import { closed } from '../http/schemas.ts';
import { sendPage, type PagePlugin } from '../http/page-response.ts';
import { unsubscribe } from '../notifications/operations.ts';
import { runInTransaction } from '../operation/run.ts';
import { html } from '../web/html.ts';
import { heading } from '../web/layout.ts';

const params = closed({ token: Type.String({ maxLength: 300, pattern: '^[\\w.-]+$' }) });

/**
 * Registers the page that the unsubscribe link in e-mails opens. Opening the page changes nothing,
 * because mail scanners open links too; only its button unsubscribes.
 */
export function unsubscribePages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/berhenti/:token', { schema: { params } }, async (request, reply) => {
      const { t, url } = request.visit;
      const { token } = request.params;
      if (app.unsubscribeTokens.read(token) === undefined) {
        throw new DomainError('link_not_valid', {});
      }
      const title = t('site.unsubscribe.title');
      const main = html`${heading(title, t('site.unsubscribe.stillInNotifications'))}
        <form method="post" action="${url(`/berhenti/${token}`)}">
          <button>${t('site.unsubscribe.unsubscribe')}</button>
        </form>`;
      return sendPage(request, reply, { title, main });
    });

    server.post(
      '/berhenti/:token',
      { bodyLimit: formBytes.public, schema: { params } },
      async (request, reply) => {
        const { t } = request.visit;
        const { token } = request.params;
        await runInTransaction(app.db, (tx) => unsubscribe(tx, app.unsubscribeTokens, token));
        const title = t('site.unsubscribe.done');
        const main = heading(title, t('site.unsubscribe.noMoreEmails'));
        return sendPage(request, reply, { title, main });
      },
    );
  };
}
