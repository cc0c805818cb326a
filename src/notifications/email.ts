import type { Language } from '../i18n/language.ts';
import type { OutgoingEmail } from '../mail/mailer.ts';
import { html } from '../web/html.ts';
import { pathIn } from '../web/visit.ts';
import { messageFor, type Message, type MessageParams } from './messages/messages.ts';
import { translate } from '../i18n/messages.ts';
import { isTopic, topics } from './messages/topics.ts';
import type { UnsubscribeTokens } from './unsubscribe.ts';

/** The data that is needed to build the links in e-mails. */
export interface EmailLinks {
  /** The URL of the site, without a slash at the end. */
  readonly siteUrl: string;
  readonly tokens: UnsubscribeTokens;
}

/** One notification that is sent as an e-mail. */
export interface NotificationEmail {
  /** The id of the e-mail. It is the same in every attempt to send the e-mail. */
  readonly id: string;
  readonly campaignId: string;
  readonly userId: string;
  readonly kind: string;
  readonly topic: string;
  readonly params: MessageParams;
  readonly to: string;
  readonly language: Language;
  readonly timeZone: string;
}

/**
 * Renders the e-mail of a notification, as plain text and as HTML. The HTML loads nothing from
 * other servers. The e-mails of optional topics have one-click unsubscribe (RFC 8058).
 */
export function renderEmail(
  email: NotificationEmail,
  { siteUrl, tokens }: EmailLinks,
): OutgoingEmail {
  const { language, topic, userId } = email;
  const message = messageFor(email.kind, email.params, email);
  const link = siteUrl + pathIn(language, `/sambatan/${email.campaignId}`);
  const mayStop = isTopic(topic) && topics[topic].oneClick;
  const token = mayStop ? tokens.tokenFor({ userId, topic }) : undefined;
  const stop = token && siteUrl + pathIn(language, `/berhenti/${token}`);
  return {
    to: email.to,
    subject: message.title,
    messageId: `<${email.id}@${new URL(siteUrl).hostname}>`,
    text: asText(message, language, { link, stop }),
    html: asHtml(message, language, { link, stop }),
    headers: {
      'Auto-Submitted': 'auto-generated',
      ...(token === undefined
        ? {}
        : {
            'List-Unsubscribe': `<${siteUrl}/api/sambatan/unsubscribe/${token}>`,
            'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click',
          }),
    },
  };
}

interface Links {
  readonly link: string;
  readonly stop: string | undefined;
}

/** Returns the footer text of every notification e-mail. */
function footer(language: Language) {
  return {
    look: translate(language, 'notifications.email.look'),
    why: translate(language, 'notifications.email.why'),
    stopLabel: translate(language, 'notifications.email.stop'),
  };
}

function asText(message: Message, language: Language, { link, stop }: Links): string {
  const { look, why, stopLabel } = footer(language);
  const ending = stop === undefined ? [] : [`${stopLabel}: ${stop}`];
  return [message.title, ...message.paragraphs, `${look}: ${link}`, '-- ', why, ...ending]
    .join('\n\n')
    .concat('\n');
}

function asHtml(message: Message, language: Language, { link, stop }: Links): string {
  const { look, why, stopLabel } = footer(language);
  const body = 'margin:0;padding:24px;background:#fdf3f7;color:#2b1b24;font:16px/1.5 sans-serif';
  const card = 'max-width:560px;margin:0 auto;padding:24px;background:#fff;border-radius:12px';
  const button =
    'display:inline-block;padding:12px 20px;background:#a3195b;color:#fff;border-radius:8px;' +
    'text-decoration:none;font-weight:bold';
  return html`<!doctype html>
    <html lang="${language}">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${message.title}</title>
      </head>
      <body style="${body}">
        <main style="${card}">
          <h1 style="font-size:22px;line-height:1.3;margin:0 0 16px">${message.title}</h1>
          ${message.paragraphs.map((paragraph) => html`<p>${paragraph}</p>`)}
          <p><a href="${link}" style="${button}">${look}</a></p>
        </main>
        <footer style="max-width:560px;margin:16px auto 0;font-size:14px;color:#5f4a55">
          <p>${why}</p>
          ${stop && html`<p><a href="${stop}" style="color:#5f4a55">${stopLabel}</a></p>`}
        </footer>
      </body>
    </html>`.toString();
}
