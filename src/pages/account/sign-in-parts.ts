import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ShownLink } from '../../accounts/sign-in/sign-in.ts';
import { DomainError, type FieldError } from '../../errors/errors.ts';
import { sendPage } from '../../http/page-response.ts';
import { input, notice } from '../../web/components.ts';
import { html, type Html, type Part } from '../../web/html.ts';
import { heading, type PageProps } from '../../web/layout.ts';
import type { PageContext } from '../../web/visit.ts';

export interface Refused {
  readonly refusal?: DomainError | undefined;
  readonly errors?: readonly FieldError[] | undefined;
}

/** Shows the form again, with what is wrong with it. */
export function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  refusal: DomainError,
  page: (refused: Refused) => PageProps,
): FastifyReply {
  const { retryAfterSeconds: wait } = refusal;
  if (wait !== undefined) reply.header('retry-after', String(wait));
  const shown = refusal.fields.length > 0 ? { errors: refusal.fields } : { refusal };
  return sendPage(request, reply, page(shown), refusal.status);
}

/** What is wrong with the form as a whole. */
export function formNotice(visit: PageContext, { refusal, errors }: Refused): Part {
  const other = errors?.find(({ field }) => field !== 'email' && field !== 'code');
  // What is wrong with a hidden field is nothing that its reader typed.
  const wrong = refusal ?? (other && new DomainError('sign_in_ended', {}));
  if (wrong === undefined) return undefined;
  const { title, detail } = wrong.text(visit.language);
  return notice('bad', title, detail);
}

/** Why somebody is asked to sign in who was in the middle of something. */
export function whySignIn({ t }: PageContext, reason: unknown, isKept: boolean): Html | undefined {
  const kept = isKept
    ? t(
        'Isianmu kami simpan; setelah masuk, kamu kembali ke formulirnya.',
        'We kept what you typed and will take you back to the form after you sign in.',
      )
    : t(
        'Setelah masuk, kamu kembali ke halaman tadi.',
        'We will take you back to that page after you sign in.',
      );
  if (reason === 'sesi') {
    return notice('busy', t('Sesimu sudah berakhir.', 'Your session has ended.'), kept);
  }
  if (reason !== 'formulir') return undefined;
  return notice('busy', t('Masuk dulu, ya.', 'Please sign in first.'), kept);
}

export function emailPage(
  visit: PageContext,
  show: Refused & {
    readonly back: string;
    readonly email?: string | undefined;
    readonly why?: Html | undefined;
  },
): PageProps {
  const { t, url } = visit;
  return {
    title: t('Masuk', 'Sign in'),
    section: 'account',
    path: `/masuk?${new URLSearchParams({ back: show.back })}`,
    main: html`<div class="panel sign-in">
      ${show.why}${heading(
        t('Masuk ke Sambatan', 'Sign in to Sambatan'),
        t(
          'Tanpa kata sandi. Kami kirim kode ke e-mailmu; akunmu dibuat otomatis kalau belum ada.',
          'No password. We send a code to your mailbox; an account is made if you have none.',
        ),
      )}${formNotice(visit, show)}
      <form method="post" action="${url('/masuk')}" class="fields">
        <input type="hidden" name="back" value="${show.back}" />
        ${input(visit, {
          name: 'email',
          label: t('Alamat e-mail', 'E-mail address'),
          value: show.email,
          errors: show.errors,
          required: true,
          control: {
            type: 'email',
            autocomplete: 'email',
            maxlength: 254,
            placeholder: t('nama@gmail.com', 'name@gmail.com'),
          },
        })}
        <button class="button">${t('Kirim kode', 'Send the code')}</button>
      </form>
    </div>`,
  };
}

export function codePage(
  visit: PageContext,
  show: Refused & { readonly id: string; readonly back: string; readonly outbox: boolean },
): PageProps {
  const { t, url } = visit;
  const again = `/masuk?${new URLSearchParams({ back: show.back })}`;
  return {
    title: t('Masukkan kode', 'Enter the code'),
    section: 'account',
    path: `/masuk/kode?${new URLSearchParams({ id: show.id, back: show.back })}`,
    main: html`<div class="panel sign-in">
      ${heading(
        t('Cek e-mailmu', 'Check your mail'),
        t(
          'Kami sudah mengirim kode 6 angka. Masukkan di sini, atau buka tautan di e-mail itu.',
          'We have sent a code of 6 digits. Enter it here, or open the link in the mail.',
        ),
      )}${
        show.outbox &&
        html`<div class="notice busy">
          <strong>${t('Mode coba-coba:', 'Trying it out:')}</strong>
          <span
            >${t(
              'e-mailnya tidak dikirim. Alamat kotak keluarnya tercetak di terminal waktu layanan ini dijalankan.',
              'the mail is not sent. The address of the outbox was printed when this service started.',
            )}</span
          >
        </div>`
      }${formNotice(visit, show)}
      <form method="post" action="${url('/masuk/kode')}" class="fields">
        <input type="hidden" name="id" value="${show.id}" />
        <input type="hidden" name="back" value="${show.back}" />
        ${input(visit, {
          name: 'code',
          label: t('Kode dari e-mail', 'Code from the mail'),
          errors: show.errors,
          required: true,
          control: {
            inputmode: 'numeric',
            autocomplete: 'one-time-code',
            maxlength: 20,
            placeholder: '000000',
          },
        })}
        <button class="button">${t('Masuk', 'Sign in')}</button>
      </form>
      <p class="quiet">
        ${t('Belum sampai? Cek folder spam, atau', 'Nothing there? Look into spam, or')}
        <a href="${url(again)}">${t('minta kode baru', 'ask for a new code')}</a>.
        ${t(
          'Kalau sudah ada beberapa e-mail, pakai kode yang terbaru.',
          'If several mails came, use the newest code.',
        )}
      </p>
    </div>`,
  };
}

export function linkPage(
  visit: PageContext,
  show: ShownLink & { readonly secret: string; readonly back: string },
): PageProps {
  const { t, url } = visit;
  const { maskedEmail: email, isSameBrowser } = show;
  return {
    title: t('Masuk', 'Sign in'),
    section: 'account',
    // The address holds a secret: it is told to no other page.
    head: html`<meta name="referrer" content="same-origin" />`,
    main: html`<div class="panel sign-in">
      ${heading(
        t('Satu ketukan lagi', 'One more tap'),
        t(`Kamu akan masuk sebagai ${email}.`, `You are about to sign in as ${email}.`),
      )}${
        !isSameBrowser &&
        notice(
          'busy',
          t('Tautan ini diminta dari browser lain.', 'Another browser asked for this link.'),
          t(
            'Lanjutkan hanya kalau kamu sendiri yang memintanya dan itu memang alamatmu.',
            'Go on only if you asked for it yourself and the address is yours.',
          ),
        )
      }
      <form method="post" action="${url('/masuk/tautan')}" class="fields">
        <input type="hidden" name="t" value="${show.secret}" />
        <input type="hidden" name="back" value="${show.back}" />
        ${!isSameBrowser && html`<input type="hidden" name="confirmed" value="1" />`}
        <button class="button">
          ${
            isSameBrowser
              ? t('Masuk ke Sambatan', 'Sign in to Sambatan')
              : t(`Ya, masuk sebagai ${email}`, `Yes, sign in as ${email}`)
          }
        </button>
      </form>
    </div>`,
  };
}
