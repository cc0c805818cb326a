import type { Language } from '../i18n/language.ts';
import type { OutgoingEmail } from '../mail/mailer.ts';
import { html, type Html } from '../web/html.ts';
import { pathIn } from '../web/visit.ts';
import type { EmailReceipt } from './email-receipt.ts';
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
 * other servers. The e-mails of optional topics have one-click unsubscribe (RFC 8058). An e-mail
 * that confirms an order contains its receipt.
 */
export function renderEmail(
  email: NotificationEmail,
  { siteUrl, tokens }: EmailLinks,
  order?: EmailReceipt,
): OutgoingEmail {
  const { language, topic, userId } = email;
  const receipt = order && receiptLinks(order, siteUrl, language);
  const message = messageFor(email.kind, email.params, email);
  const link = siteUrl + pathIn(language, `/sambatan/${email.campaignId}`);
  const mayStop = isTopic(topic) && topics[topic].oneClick;
  const token = mayStop ? tokens.tokenFor({ userId, topic }) : undefined;
  const stop = token && siteUrl + pathIn(language, `/berhenti/${token}`);
  return {
    to: email.to,
    subject: message.title,
    messageId: `<${email.id}@${new URL(siteUrl).hostname}>`,
    text: asText(message, language, { link, stop, receipt }),
    html: asHtml(message, language, { link, stop, receipt }),
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
  readonly receipt: ReceiptLinks | undefined;
}

interface ReceiptLinks {
  /** The receipt as text; undefined if it is not ready yet. */
  readonly text: string | undefined;
  /** The address that verifies the receipt or, without a receipt, that of the order. */
  readonly link: string;
}

/** The receipt is in the fragment of the address, which browsers do not send to the server. */
function receiptLinks(
  { participationId, receipt }: EmailReceipt,
  siteUrl: string,
  language: Language,
): ReceiptLinks {
  const path =
    receipt === undefined
      ? pathIn(language, `/ikutan/${participationId}`)
      : `${pathIn(language, '/bukti')}#${receipt}`;
  return { text: receipt, link: siteUrl + path };
}

/** Returns the sentence about the receipt. */
function receiptSentence({ text }: ReceiptLinks, language: Language): string {
  return text === undefined
    ? translate(language, 'notifications.email.receiptOnItsPage')
    : translate(language, 'notifications.email.receipt');
}

/** Returns the footer text of every notification e-mail. */
function footer(language: Language) {
  return {
    look: translate(language, 'notifications.email.look'),
    why: translate(language, 'notifications.email.why'),
    stopLabel: translate(language, 'notifications.email.stop'),
  };
}

function asText(message: Message, language: Language, links: Links): string {
  const { link, stop, receipt } = links;
  const { look, why, stopLabel } = footer(language);
  const ending = stop === undefined ? [] : [`${stopLabel}: ${stop}`];
  const proof =
    receipt === undefined
      ? []
      : [receiptSentence(receipt, language), receipt.link, ...(receipt.text ? [receipt.text] : [])];
  return [message.title, ...message.paragraphs, `${look}: ${link}`, ...proof]
    .concat('-- ', why, ...ending)
    .join('\n\n')
    .concat('\n');
}

function asHtml(message: Message, language: Language, { link, stop, receipt }: Links): string {
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
          ${receipt && receiptHtml(receipt, language)}
        </main>
        <footer style="max-width:560px;margin:16px auto 0;font-size:14px;color:#5f4a55">
          <p>${why}</p>
          ${stop && html`<p><a href="${stop}" style="color:#5f4a55">${stopLabel}</a></p>`}
        </footer>
      </body>
    </html>`.toString();
}

function receiptHtml(receipt: ReceiptLinks, language: Language): Html {
  const code = 'font:12px/1.4 monospace;overflow-wrap:anywhere;color:#5f4a55';
  return html`<p>${receiptSentence(receipt, language)}</p>
    <p>
      <a href="${receipt.link}" style="color:#a3195b"
        >${
          receipt.text === undefined
            ? translate(language, 'notifications.email.openOrder')
            : translate(language, 'notifications.email.checkReceipt')
        }</a
      >
    </p>
    ${receipt.text && html`<p style="${code}">${receipt.text}</p>`}`;
}
