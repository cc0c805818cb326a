import { textOf, translate, wording } from '../../i18n/messages.ts';
import type { Language } from '../../i18n/language.ts';
import type { OutgoingEmail } from '../../mail/mailer.ts';
import { html, type Html } from '../../web/html.ts';

export interface SignInEmail {
  readonly code: string;
  /** The sign-in link; undefined for an e-mail with only the code. */
  readonly link: string | undefined;
  readonly language: Language;
}

/**
 * Returns the sign-in e-mail. It contains a code to type and a link with which the user signs in
 * without typing.
 */
export function signInEmail({ code, link, language }: SignInEmail): Omit<OutgoingEmail, 'to'> {
  const hello = translate(language, 'emails.signIn.hello');
  const codeLabel = translate(language, 'emails.signIn.code');
  const orLink = translate(language, 'emails.signIn.orLink');
  const notYou = translate(language, 'emails.signIn.notYou');
  const byLink = link === undefined ? [] : [orLink, link];
  const lines = [hello, `${codeLabel} ${code}`, ...byLink, notYou];
  return {
    subject: translate(language, 'emails.signIn.subject', { code }),
    text: `${lines.join('\n\n')}\n\nSambatan\n`,
    html: layout(
      language,
      html`<p style="margin:0 0 8px">${hello}</p>
        <p style="margin:0 0 4px">${codeLabel}</p>
        <p style="margin:0 0 20px;font:bold 32px/1.3 monospace;letter-spacing:6px">${code}</p>
        ${link !== undefined && button(link, orLink, language)}
        <p style="margin:0;font-size:14px;color:#6b5865">${notYou}</p>`,
    ),
  };
}

/** Returns the e-mail with the code for a re-authentication. */
export function reauthenticationEmail(code: string, language: Language): Omit<OutgoingEmail, 'to'> {
  const hello = translate(language, 'emails.reauthentication.hello');
  const notYou = translate(language, 'emails.reauthentication.notYou');
  return {
    subject: translate(language, 'emails.reauthentication.subject', { code }),
    text: `${[hello, code, notYou].join('\n\n')}\n\nSambatan\n`,
    html: layout(
      language,
      html`<p style="margin:0 0 8px">${hello}</p>
        <p style="margin:0 0 20px;font:bold 32px/1.3 monospace;letter-spacing:6px">${code}</p>
        <p style="margin:0;font-size:14px;color:#6b5865">${notYou}</p>`,
    ),
  };
}

/**
 * Returns the e-mail that informs the owner of an account about a change of the second factor,
 * because somebody else may have made the change.
 */
export function mfaEmail(
  change: 'added' | 'removed' | 'lost' | 'codes',
  language: Language,
): Omit<OutgoingEmail, 'to'> {
  const words = mfaWords[change];
  const title = textOf(language, words.title);
  const detail = textOf(language, words.detail);
  const notYou = translate(language, 'emails.mfa.notYou');
  return {
    subject: title,
    text: `${title}\n\n${detail}\n\n${notYou}\n\nSambatan\n`,
    html: layout(
      language,
      html`<p style="margin:0 0 8px;font-weight:bold">${title}</p>
        <p style="margin:0 0 16px">${detail}</p>
        <p style="margin:0;font-size:14px;color:#6b5865">${notYou}</p>`,
    ),
  };
}

const mfaWords = {
  added: {
    title: wording('emails.mfa.added.title'),
    detail: wording('emails.mfa.added.detail'),
  },
  removed: {
    title: wording('emails.mfa.removed.title'),
    detail: wording('emails.mfa.removed.detail'),
  },
  lost: {
    title: wording('emails.mfa.lost.title'),
    detail: wording('emails.mfa.lost.detail'),
  },
  codes: {
    title: wording('emails.mfa.codes.title'),
    detail: wording('emails.mfa.codes.detail'),
  },
} as const;

/** The layout of all e-mails about an account. */
function layout(language: Language, says: Html): string {
  return html`<!doctype html>
    <html lang="${language}">
      <body style="margin:0;padding:24px;background:#fdf3f7;color:#2b1b26;font:16px/1.5 sans-serif">
        <div style="max-width:440px;margin:0 auto;padding:28px;background:#fff;border-radius:16px">
          <p style="margin:0 0 16px;font-weight:bold;color:#9b1c5a">Sambatan</p>
          ${says}
        </div>
      </body>
    </html>`.toString();
}

function button(link: string, orLink: string, language: Language): Html {
  return html`<p style="margin:0 0 12px">${orLink}</p>
    <p style="margin:0 0 24px">
      <a
        href="${link}"
        style="display:inline-block;padding:12px 24px;background:#9b1c5a;color:#fff;border-radius:999px;text-decoration:none"
        >${translate(language, 'emails.signIn.button')}</a
      >
    </p>`;
}
