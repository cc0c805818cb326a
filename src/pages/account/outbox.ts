import { hash, hkdfSync, timingSafeEqual } from 'node:crypto';
import type { PageDeps } from '../deps.ts';
import { DomainError } from '../../errors/errors.ts';
import { sendSecretPage, type PagePlugin } from '../../http/page-response.ts';
import { capturedEmails } from '../../mail/mailer.ts';
import { emptyState } from '../../web/components.ts';
import { formatShortMoment } from '../../i18n/format.ts';
import { html, type Html } from '../../web/html.ts';
import { heading } from '../../web/layout.ts';

/**
 * Returns the path of the page that shows all captured e-mails, including sign-in codes. The last
 * part of the path is derived from the secret key, so that it cannot be guessed. Anybody who knows
 * the URL can read the e-mails.
 */
export function outboxPath(secretKey: string): string {
  const secret = hkdfSync('sha256', secretKey, '', 'sambatan outbox', 16);
  return `/outbox/${Buffer.from(secret).toString('base64url')}`;
}

/**
 * Registers the page with the captured e-mails. E-mails are captured instead of sent when no mail
 * server is configured; the page lets new users find their sign-in code.
 */
export function outboxPages(app: Pick<PageDeps, 'mailer' | 'outboxPath'>): PagePlugin {
  return async (server) => {
    server.get('/outbox/:secret', async (request, reply) => {
      const { secret } = request.params as { secret: string };
      const { outbox } = app.mailer;
      if (outbox === undefined || !isSame(`/outbox/${secret}`, app.outboxPath)) {
        throw new DomainError('not_found', {});
      }
      const { visit } = request;
      const { t } = visit;
      const mails = await capturedEmails(outbox);
      const main = html`${heading(t('account.outbox.outbox'), t('account.outbox.emailsNotSent'))}${
        mails.length === 0
          ? emptyState(t('account.outbox.noEmailsYet'), t('account.outbox.tryToSign'))
          : mails.map(
              (mail) =>
                html`<article class="panel mail">
                  <h2>${mail.subject}</h2>
                  <p class="quiet">
                    ${mail.to} · ${formatShortMoment(new Date(mail.sentAt), visit.language)}
                  </p>
                  <p class="mail-text">${linkUrls(mail.text)}</p>
                </article>`,
            )
      }`;
      // The URL contains a secret, so the browser must not send it to other sites as the referrer.
      const head = html`<meta name="referrer" content="same-origin" />`;
      const title = t('account.outbox.outbox');
      return sendSecretPage(request, reply, { title, main, head });
    });
  };
}

function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', expected, 'buffer'));
}

function linkUrls(text: string): Html[] {
  const parts = text.split(/(https?:\/\/\S+)/);
  return parts.map((part, index) =>
    index % 2 === 1 ? html`<a href="${part}">${part}</a>` : html`${part}`,
  );
}
