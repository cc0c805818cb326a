import type { FastifyRequest } from 'fastify';
import type { App } from '../../context.ts';
import { DomainError } from '../../errors.ts';
import { isForThisMachine } from '../../http/hosts.ts';
import { sendPage, type Pages } from '../../http/site.ts';
import { readOutbox } from '../../mailer.ts';
import { emptyState } from '../../web/components.ts';
import { shortMoment } from '../../web/format.ts';
import { html, type Html } from '../../web/html.ts';
import { heading } from '../../web/layout.ts';

/** What decides whether mails are shown instead of being sent. */
type Parts = Pick<App, 'config' | 'mailer'>;

/**
 * Whether this visitor may read every mail, codes included: only who sits at the machine of a
 * service that has neither a mail server nor a database of its own nor a public address.
 */
export function showsOutbox({ config, mailer }: Parts, request: FastifyRequest): boolean {
  const trial = config.database.url === undefined && config.http.publicUrl === undefined;
  const here = /^(127\.|::1$|::ffff:127\.)/.test(request.ip);
  const relayed = request.headers['x-forwarded-for'] ?? request.headers.forwarded;
  // A name of somebody else's that leads here would let their page read this one.
  const asked = isForThisMachine(request);
  return mailer.outbox !== undefined && trial && here && asked && relayed === undefined;
}

/** The mails that were written instead of being sent, so that a newcomer can sign in at once. */
export function outboxPages(app: Parts): Pages {
  return async (server) => {
    server.get('/outbox', async (request, reply) => {
      if (!showsOutbox(app, request)) throw new DomainError('not_found', {});
      const { visit } = request;
      const { t } = visit;
      const mails = await readOutbox(app.mailer.outbox!);
      const main = html`${heading(
        t('Kotak keluar', 'Outbox'),
        t(
          'E-mail yang ditulis layanan ini tanpa SMTP_URL. Hanya terlihat dari komputer ini.',
          'Mails that this service wrote without SMTP_URL. Only this computer sees them.',
        ),
      )}${
        mails.length === 0
          ? emptyState(
              t('Belum ada e-mail', 'No mail yet'),
              t('Coba masuk dulu.', 'Try to sign in.'),
            )
          : mails.map(
              (mail) =>
                html`<article class="panel mail">
                  <h2>${mail.subject}</h2>
                  <p class="quiet">
                    ${mail.to} · ${shortMoment(new Date(mail.sentAt), visit.language)}
                  </p>
                  <p class="mail-text">${linked(mail.text)}</p>
                </article>`,
            )
      }`;
      return sendPage(request, reply, { title: t('Kotak keluar', 'Outbox'), main });
    });
  };
}

function linked(text: string): Html[] {
  const parts = text.split(/(https?:\/\/\S+)/);
  return parts.map((part, index) =>
    index % 2 === 1 ? html`<a href="${part}">${part}</a>` : html`${part}`,
  );
}
