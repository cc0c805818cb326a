import type { Language } from '../../errors/errors.ts';
import type { OutgoingEmail } from '../../mail/mailer.ts';
import { html, type Html } from '../../web/html.ts';

export interface SignInEmail {
  readonly code: string;
  /** Undefined: only the code. */
  readonly link: string | undefined;
  readonly language: Language;
}

/** Returns the sign-in e-mail: a code to type, and a link that does the same. */
export function signInEmail({ code, link, language }: SignInEmail): Omit<OutgoingEmail, 'to'> {
  const words = wordings[language];
  const byLink = link === undefined ? [] : [words.orLink, link];
  const lines = [words.hello, `${words.code} ${code}`, ...byLink, words.notYou];
  return {
    subject: words.subject(code),
    text: `${lines.join('\n\n')}\n\nSambatan\n`,
    html: layout(
      language,
      html`<p style="margin:0 0 8px">${words.hello}</p>
        <p style="margin:0 0 4px">${words.code}</p>
        <p style="margin:0 0 20px;font:bold 32px/1.3 monospace;letter-spacing:6px">${code}</p>
        ${link !== undefined && button(link, words)}
        <p style="margin:0;font-size:14px;color:#6b5865">${words.notYou}</p>`,
    ),
  };
}

/** Returns the e-mail with the code for a re-authentication. */
export function reauthenticationEmail(code: string, language: Language): Omit<OutgoingEmail, 'to'> {
  const words = proofWordings[language];
  return {
    subject: words.subject(code),
    text: `${[words.hello, code, words.notYou].join('\n\n')}\n\nSambatan\n`,
    html: layout(
      language,
      html`<p style="margin:0 0 8px">${words.hello}</p>
        <p style="margin:0 0 20px;font:bold 32px/1.3 monospace;letter-spacing:6px">${code}</p>
        <p style="margin:0;font-size:14px;color:#6b5865">${words.notYou}</p>`,
    ),
  };
}

const proofWordings = {
  id: {
    subject: (code: string) => `${code} kode untuk melanjutkan di Sambatan`,
    hello:
      'Kamu sedang melakukan hal penting di Sambatan. Ini kode untuk membuktikan bahwa itu kamu. Berlaku 30 menit.',
    notYou:
      'Bukan kamu? Berarti ada orang lain di akunmu: masuk, lalu keluar dari semua perangkat di halaman Akun.',
  },
  en: {
    subject: (code: string) => `${code} is your code to go on at Sambatan`,
    hello:
      'You are doing something sensitive at Sambatan. This code proves that it is you. It works for 30 minutes.',
    notYou:
      'It was not you? Then somebody else is in your account: sign in, and sign out everywhere on the account page.',
  },
} as const;

/**
 * Returns the e-mail to an owner about a change of their second factor, in case it was not them.
 */
export function mfaEmail(
  change: 'added' | 'removed' | 'lost' | 'codes',
  language: Language,
): Omit<OutgoingEmail, 'to'> {
  const { title, detail } = factorWordings[language][change];
  const { notYou } = factorWordings[language];
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

const factorWordings = {
  id: {
    added: {
      title: 'Kode dari aplikasi aktif di akun Sambatan-mu',
      detail: 'Mulai sekarang, masuk perlu kode dari aplikasimu juga.',
    },
    removed: {
      title: 'Kode dari aplikasi dimatikan di akun Sambatan-mu',
      detail: 'Mulai sekarang, kode dari e-mail saja sudah cukup untuk masuk.',
    },
    lost: {
      title: 'Kode dari aplikasi dimatikan di akun Sambatan-mu',
      detail:
        'Kamu bilang HP dan kode cadanganmu hilang, jadi kami matikan, dan semua perangkat dikeluarkan. Masuk lagi dengan kode e-mail, lalu aktifkan lagi di halaman Keamanan.',
    },
    codes: {
      title: 'Kode cadangan baru dibuat di akun Sambatan-mu',
      detail: 'Kode cadangan yang lama tidak berlaku lagi.',
    },
    notYou:
      'Bukan kamu? Masuk, keluar dari semua perangkat di halaman Akun, dan amankan kotak masuk e-mailmu.',
  },
  en: {
    added: {
      title: 'Your Sambatan account has a second factor',
      detail: 'From now on signing in takes a code of your app as well.',
    },
    removed: {
      title: 'Your Sambatan account has no second factor any more',
      detail: 'From now on a code in a mail is enough to sign in.',
    },
    lost: {
      title: 'Your Sambatan account has no second factor any more',
      detail:
        'You told us that your phone and your recovery codes are lost, so we switched it off and signed every device out. Sign in with a code in a mail, and switch it on again on the page Security.',
    },
    codes: {
      title: 'New recovery codes of your Sambatan account',
      detail: 'The recovery codes before do not work any more.',
    },
    notYou:
      'It was not you? Sign in, sign out everywhere on the account page, and look after your mailbox.',
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

function button(link: string, words: { readonly orLink: string; readonly button: string }): Html {
  return html`<p style="margin:0 0 12px">${words.orLink}</p>
    <p style="margin:0 0 24px">
      <a
        href="${link}"
        style="display:inline-block;padding:12px 24px;background:#9b1c5a;color:#fff;border-radius:999px;text-decoration:none"
        >${words.button}</a
      >
    </p>`;
}

const wordings = {
  id: {
    subject: (code: string) => `${code} kode masuk Sambatan-mu`,
    hello: 'Hai! Ini kode untuk masuk ke Sambatan. Berlaku 30 menit.',
    code: 'Kodenya:',
    orLink: 'Atau langsung masuk lewat tautan ini:',
    button: 'Masuk ke Sambatan',
    notYou:
      'Bukan kamu yang minta? Abaikan saja e-mail ini, dan jangan berikan kodenya ke siapa pun.',
  },
  en: {
    subject: (code: string) => `${code} is your Sambatan code`,
    hello: 'Hello! This is your code for Sambatan. It works for 30 minutes.',
    code: 'The code:',
    orLink: 'Or sign in directly with this link:',
    button: 'Sign in to Sambatan',
    notYou: 'You did not ask for it? Ignore this mail, and give the code to nobody.',
  },
} as const;
