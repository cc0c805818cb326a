import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { endSession } from '../../accounts/sessions.ts';
import { requestCode } from '../../accounts/sign-in/request-code.ts';
import {
  signInWithCode,
  signInWithLink,
  signInWithToken,
  viewLink,
  type Browser,
  type SignInResult,
  type ShownLink,
} from '../../accounts/sign-in/sign-in.ts';
import type { PageDeps } from '../deps.ts';
import { DomainError, type FieldError } from '../../errors/errors.ts';
import { formBytes } from '../../http/body-limits.ts';
import { deviceOf, networkOf } from '../../http/authentication.ts';
import { formParser, toResult, rawFields } from '../../http/forms.ts';
import { closed, Id, text } from '../../http/schemas.ts';
import {
  browserIdOf,
  clearSession,
  giveBrowserId,
  sessionTokenOf,
  setSession,
} from '../../http/session-cookie.ts';
import {
  localPath,
  redirect,
  sendPage,
  sendSecretPage,
  type PagePlugin,
} from '../../http/page-response.ts';
import { accountRequired } from '../../identity/policy.ts';
import { runInTransaction } from '../../operation/run.ts';
import { input, notice } from '../../web/components.ts';
import { html, type Html, type Part } from '../../web/html.ts';
import { heading, type PageProps } from '../../web/layout.ts';
import type { PageContext } from '../../web/visit.ts';

const readEmail = formParser(closed({ email: text(3, 254), back: Type.Optional(text(0, 600)) }));
const readCode = formParser(
  closed({ id: Id, code: text(1, 20), back: Type.Optional(text(0, 600)) }),
);

/** Short forms that visitors send. */
const short = { bodyLimit: formBytes.public } as const;

/** Signing in by a code or a link in a mail, or with another service's token; signing out. */
export function signInPages(app: PageDeps): PagePlugin {
  const isCaptured = app.mailer.outbox !== undefined;
  return async (server) => {
    server.get('/masuk', async (request, reply) => {
      const { back: given, alasan } = request.query as { back?: unknown; alasan?: unknown };
      const back = localPath(given);
      if (request.visit.person !== undefined) return redirect(request, reply, back);
      const isKept = app.keptForms.of(request)?.page === back.replace(/\?.*/s, '');
      const why = whySignIn(request.visit, alasan, isKept);
      return sendPage(request, reply, emailPage(request.visit, { back, why }));
    });

    server.post('/masuk', short, async (request, reply) => {
      const { visit } = request;
      const form = readEmail(request.body);
      const back = localPath(form.typed['back']);
      const show = { back, email: form.typed['email'] };
      if ('errors' in form) {
        return sendPage(request, reply, emailPage(visit, { ...show, errors: form.errors }), 422);
      }
      const { email } = form.value;
      const outcome = await toResult(() =>
        requestCode(app.signIn, {
          email,
          language: visit.language,
          origin: originOfRequest(request, reply),
          device: deviceOf(request),
          link: linkFor(app, visit, back),
        }),
      );
      if ('refused' in outcome) {
        return refuse(request, reply, outcome.refused, (more) =>
          emailPage(visit, { ...show, ...more }),
        );
      }
      const query = new URLSearchParams({ id: outcome.done, back });
      return redirect(request, reply, `/masuk/kode?${query}`);
    });

    server.get('/masuk/kode', async (request, reply) => {
      const { id, back } = request.query as { id?: unknown; back?: unknown };
      if (typeof id !== 'string') return redirect(request, reply, '/masuk');
      return sendPage(
        request,
        reply,
        codePage(request.visit, { id, back: localPath(back), outbox: isCaptured }),
      );
    });

    server.post('/masuk/kode', short, async (request, reply) => {
      const { visit } = request;
      const form = readCode(request.body);
      const back = localPath(form.typed['back']);
      const show = { id: form.typed['id'] ?? '', back, outbox: isCaptured };
      if ('errors' in form) {
        return sendPage(request, reply, codePage(visit, { ...show, errors: form.errors }), 422);
      }
      const { id: signInId, code } = form.value;
      const outcome = await toResult(() =>
        signInWithCode(
          app.signIn,
          { signInId: signInId.toLowerCase(), code },
          browserOf(request, reply),
        ),
      );
      if ('refused' in outcome) {
        return refuse(request, reply, outcome.refused, (more) =>
          codePage(visit, { ...show, ...more }),
        );
      }
      return completeSignIn(request, reply, outcome.done, back);
    });

    // Programs that look into mails follow links: only the button on this page signs in.
    server.get('/masuk/tautan', async (request, reply) => {
      const { t: secret, back } = request.query as { t?: unknown; back?: unknown };
      if (typeof secret !== 'string') return redirect(request, reply, '/masuk');
      const shown = await viewLink(app.signIn, secret, browserIdOf(request));
      const page = linkPage(request.visit, { secret, back: localPath(back), ...shown });
      return sendSecretPage(request, reply, page);
    });

    server.post('/masuk/tautan', short, async (request, reply) => {
      const { t: secret = '', back: given, confirmed } = rawFields(request.body);
      const back = localPath(given);
      const shown = await viewLink(app.signIn, secret, browserIdOf(request));
      if (!shown.isSameBrowser && confirmed !== '1') {
        return sendSecretPage(request, reply, linkPage(request.visit, { secret, back, ...shown }));
      }
      const entered = await signInWithLink(app.signIn, secret, browserOf(request, reply));
      return completeSignIn(request, reply, entered, back);
    });

    server.post('/masuk/token', async (request, reply) => {
      const { access_token: given, back } = (request.body ?? {}) as Record<string, unknown>;
      const bearer = typeof given === 'string' ? `Bearer ${given}` : request.headers.authorization;
      const actor = await app.authenticate(bearer, request.ip);
      if (actor.kind !== 'user' && actor.kind !== 'operator') {
        throw actor.kind === 'visitor'
          ? accountRequired(actor)
          : new DomainError('unauthenticated', {});
      }
      const { userId, roles, secondFactor = false, provenAt } = actor;
      const claims = { userId, roles, secondFactor, provenAt };
      const entered = await signInWithToken(app.signIn, claims, browserOf(request, reply));
      return completeSignIn(request, reply, entered, localPath(back));
    });

    server.post('/keluar', { ...short, config: { formPage: '/akun' } }, async (request, reply) => {
      const { cookie } = request.headers;
      const token = sessionTokenOf(cookie, request.visit.origin);
      if (token !== undefined) await runInTransaction(app.db, (tx) => endSession(tx, token));
      clearSession(request, reply);
      return redirect(request, reply, '/');
    });
  };
}

/**
 * A newcomer says a name on the way back, or passes by; who has a second factor shows it. The cookie
 * of somebody who came half in opens nothing but the page for that.
 */
export function completeSignIn(
  request: FastifyRequest,
  reply: FastifyReply,
  { token, hours, isNew, awaitsFactor }: SignInResult,
  back: string,
): FastifyReply {
  setSession(request, reply, token, hours);
  const query = new URLSearchParams({ back });
  if (awaitsFactor) return redirect(request, reply, `/masuk/aplikasi?${query}`);
  return redirect(request, reply, isNew ? `/masuk/nama?${query}` : back);
}

/** Links go where the site was said to be, or, where mails are only written, where we are. */
function linkFor({ config, mailer }: PageDeps, visit: PageContext, back: string) {
  if (config.http.publicUrl === undefined && mailer.outbox === undefined) return undefined;
  const page = `${visit.origin}${visit.url('/masuk/tautan')}`;
  return (secret: string) => `${page}?${new URLSearchParams({ t: secret, back })}`;
}

function originOfRequest(request: FastifyRequest, reply: FastifyReply) {
  return { browserId: giveBrowserId(request, reply), network: networkOf(request.ip) };
}

function browserOf(request: FastifyRequest, reply: FastifyReply): Browser {
  return {
    language: request.visit.language,
    origin: originOfRequest(request, reply),
    device: deviceOf(request),
    before: sessionTokenOf(request.headers.cookie, request.visit.origin),
  };
}

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
export function above(visit: PageContext, { refusal, errors }: Refused): Part {
  const other = errors?.find(({ field }) => field !== 'email' && field !== 'code');
  // What is wrong with a hidden field is nothing that its reader typed.
  const wrong = refusal ?? (other && new DomainError('sign_in_ended', {}));
  if (wrong === undefined) return undefined;
  const { title, detail } = wrong.text(visit.language);
  return notice('bad', title, detail);
}

/** Why somebody is asked to sign in who was in the middle of something. */
function whySignIn({ t }: PageContext, reason: unknown, isKept: boolean): Html | undefined {
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

function emailPage(
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
      )}${above(visit, show)}
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

function codePage(
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
      }${above(visit, show)}
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

function linkPage(
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
