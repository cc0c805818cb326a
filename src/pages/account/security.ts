import type { FastifyReply, FastifyRequest } from 'fastify';
import { toString as qrCode } from 'qrcode';
import { recoveryCodeCount, type ShownSecret } from '../../accounts/mfa/codes.ts';
import { mfaEmail } from '../../accounts/sign-in/mail.ts';
import {
  beginFactor,
  confirmFactor,
  factorToSetUp,
  ownFactor,
  removeFactor,
  renewRecoveryCodes,
  type FactorState,
} from '../../accounts/mfa/second-factor.ts';
import type { PageDeps } from '../deps.ts';
import { DomainError, type FieldError } from '../../errors/errors.ts';
import { deviceOf } from '../../http/authentication.ts';
import { formParser, toResult } from '../../http/forms.ts';
import { closed, text } from '../../http/schemas.ts';
import { redirect, sendPage, sendSecretPage, type PagePlugin } from '../../http/page-response.ts';
import { runInTransaction } from '../../operation/run.ts';
import { badge, copyButton, exactMoment, input, notice } from '../../web/components.ts';
import { html, trusted, type Html, type Part } from '../../web/html.ts';
import { heading, type PageProps } from '../../web/layout.ts';
import type { PageContext } from '../../web/visit.ts';
import { sixDigits } from './mfa-form.ts';
import { requirePerson } from '../kit/signed-in.ts';

const here = '/akun/keamanan';
const setUp = `${here}/aplikasi`;
const readCode = formParser(closed({ code: text(1, 20) }));

/** A person's second factor: setting it up, its recovery codes, its end. */
export function securityPages(app: PageDeps): PagePlugin {
  /** To the account's address; that nobody can be told changes nothing any more. */
  const tell = async ({ visit, log }: FastifyRequest, change: Parameters<typeof mfaEmail>[0]) => {
    const to = visit.person?.email;
    if (typeof to !== 'string') return;
    await app.mailer.send({ to, ...mfaEmail(change, visit.language) }).catch((error: unknown) => {
      log.warn({ err: error }, 'a person could not be told of a change of their second factor');
    });
  };

  const toSetUp = async (visit: PageContext): Promise<ShownSecret> => {
    const { email, displayName } = requirePerson(visit);
    const label = email ?? (displayName === '' ? 'Sambatan' : displayName);
    return await factorToSetUp(app.db, app.signIn, visit.actor, label);
  };

  const showSetUp = async (
    request: FastifyRequest,
    reply: FastifyReply,
    shown: Shown = {},
    status = 200,
  ) => {
    const { visit } = request;
    const secret = await toSetUp(visit);
    const picture = await qrCode(secret.uri, { type: 'svg', errorCorrectionLevel: 'M', margin: 2 });
    return sendSecretPage(
      request,
      reply,
      setUpPage(visit, secret, trusted(picture), shown),
      status,
    );
  };

  return async (server) => {
    server.get(here, async (request, reply) => {
      const { visit } = request;
      requirePerson(visit);
      const state = await ownFactor(app.db, visit.actor);
      return sendPage(request, reply, securityPage(visit, state));
    });

    server.post(`${here}/mulai`, async (request, reply) => {
      requirePerson(request.visit);
      await runInTransaction(app.db, (tx) => beginFactor(tx, app.signIn, request.visit.actor));
      return redirect(request, reply, setUp);
    });

    server.get(setUp, async (request, reply) => {
      requirePerson(request.visit);
      try {
        return await showSetUp(request, reply);
      } catch (error) {
        // Nothing is being set up (any more), or it was begun long ago: it begins on the page before.
        const isOver =
          error instanceof DomainError &&
          (error.status === 409 || error.code === 'reauthentication_required');
        if (isOver) return redirect(request, reply, here);
        throw error;
      }
    });

    server.post(setUp, async (request, reply) => {
      const { visit } = request;
      requirePerson(visit);
      const form = readCode(request.body);
      if ('errors' in form) return showSetUp(request, reply, { errors: form.errors }, 422);
      const { sessionId } = visit;
      const given = { code: form.value.code, sessionId, device: deviceOf(request) };
      const outcome = await toResult(() =>
        runInTransaction(app.db, (tx) => confirmFactor(tx, app.signIn, visit.actor, given)),
      );
      if ('refused' in outcome) {
        const { refused } = outcome;
        if (refused.status !== 422) throw refused;
        return showSetUp(request, reply, { refusal: refused }, refused.status);
      }
      await tell(request, 'added');
      return sendSecretPage(request, reply, codesPage(visit, outcome.done, true));
    });

    server.post(`${here}/kode-cadangan`, async (request, reply) => {
      const { visit } = request;
      requirePerson(visit);
      const codes = await runInTransaction(app.db, (tx) =>
        renewRecoveryCodes(tx, visit.actor, deviceOf(request)),
      );
      await tell(request, 'codes');
      return sendSecretPage(request, reply, codesPage(visit, codes, false));
    });

    // An operator whose session began without the second factor that they have.
    server.post(`${here}/bukti`, async (request, reply) => {
      const { actor } = request.visit;
      requirePerson(request.visit);
      const lacks = actor.kind === 'user' && actor.lacksFactor === true;
      if (lacks) throw new DomainError('reauthentication_required', {});
      return redirect(request, reply, actor.kind === 'operator' ? '/operator' : here);
    });

    server.post(`${here}/matikan`, async (request, reply) => {
      const { visit } = request;
      requirePerson(visit);
      await runInTransaction(app.db, (tx) => removeFactor(tx, visit.actor, deviceOf(request)));
      await tell(request, 'removed');
      return redirect(request, reply, here);
    });
  };
}

interface Shown {
  readonly errors?: readonly FieldError[];
  readonly refusal?: DomainError;
}

function securityPage(visit: PageContext, state: FactorState): PageProps {
  const { t, url } = visit;
  const title = t('Keamanan', 'Security');
  return {
    title,
    section: 'account',
    main: html`<div class="panel narrow">
      ${heading(
        title,
        t(
          'Kode dari aplikasi menjaga akunmu, juga kalau orang lain bisa membaca e-mailmu.',
          'A code of an app keeps your account safe, even from somebody who reads your mail.',
        ),
      )}${missingFactorNotice(visit, state)}${state.since === undefined ? factorOff(visit) : factorOn(visit, state)}
      <p><a href="${url('/akun')}">${t('Kembali ke akun', 'Back to the account')}</a></p>
    </div>`,
  };
}

/** An operator who cannot do what operators do is told what for. */
function missingFactorNotice({ t, url, actor }: PageContext, { since }: FactorState): Part {
  if (actor.kind !== 'user' || actor.lacksFactor !== true) return undefined;
  const told = t(
    'Halaman operator terbuka setelah kode dari aplikasi aktif dan kamu masuk dengannya.',
    'The operators’ pages open once a second factor is on and you have signed in with it.',
  );
  return html`${notice('busy', t('Kamu operator.', 'You are an operator.'), told)}${
    since !== undefined &&
    html`<form method="post" action="${url(`${here}/bukti`)}">
      <button class="button">${t('Masukkan kode dari aplikasi', 'Enter a code of the app')}</button>
    </form>`
  }`;
}

function factorOff({ t, url }: PageContext): Html {
  return html`<p class="row">
      ${t('Kode dari aplikasi:', 'Code of an app:')} ${badge(t('mati', 'off'))}
    </p>
    <p>
      ${t(
        'Setelah aktif, masuk perlu dua hal: kode di e-mail, dan 6 angka dari aplikasi di HP-mu (Google Authenticator, Aegis, 1Password, atau yang lain).',
        'Once it is on, signing in takes two things: the code in the mail, and 6 digits of an app on your phone (Google Authenticator, Aegis, 1Password or another).',
      )}
    </p>
    <form method="post" action="${url(`${here}/mulai`)}">
      <button class="button">${t('Aktifkan', 'Switch it on')}</button>
    </form>`;
}

function factorOn(visit: PageContext, { since, codesLeft }: FactorState): Html {
  const { t, url } = visit;
  return html`<p class="row">
      ${t('Kode dari aplikasi:', 'Code of an app:')} ${badge(t('aktif', 'on'), 'good')}
    </p>
    <p class="quiet">${t('Sejak', 'Since')} ${since && exactMoment(visit, since)}</p>
    <h2>${t('Kode cadangan', 'Recovery codes')}</h2>
    <p>
      ${t(
        `Sisa ${codesLeft} dari ${recoveryCodeCount}. Dengan satu kode cadangan kamu bisa masuk kalau HP-mu hilang.`,
        `${codesLeft} of ${recoveryCodeCount} are left. With a recovery code you can sign in when your phone is lost.`,
      )}
    </p>
    <form method="post" action="${url(`${here}/kode-cadangan`)}">
      <button class="button quiet">
        ${t('Buat kode cadangan baru', 'Make new recovery codes')}
      </button>
    </form>
    <details>
      <summary>${t('Matikan kode dari aplikasi', 'Switch the code of the app off')}</summary>
      <p>
        ${t(
          'Setelah ini, siapa pun yang bisa membaca e-mailmu bisa masuk sebagai kamu. Untuk ganti HP: matikan, lalu aktifkan lagi di HP yang baru.',
          'After this, whoever reads your mail can sign in as you. To change phones: switch it off, and on again with the new one.',
        )}
      </p>
      <form method="post" action="${url(`${here}/matikan`)}">
        <button class="button danger">${t('Matikan', 'Switch it off')}</button>
      </form>
    </details>`;
}

function setUpPage(
  visit: PageContext,
  secret: ShownSecret,
  picture: Html,
  { errors, refusal }: Shown,
): PageProps {
  const { t, url, language } = visit;
  const title = t('Aktifkan kode dari aplikasi', 'Set up the code of an app');
  const wrong = refusal?.text(language);
  return {
    title,
    section: 'account',
    main: html`<div class="panel narrow">
      ${heading(title)}${wrong && notice('bad', wrong.title, wrong.detail)}
      <h2>${t('1. Kenalkan Sambatan ke aplikasinya', '1. Tell the app of Sambatan')}</h2>
      <p>${t('Aplikasinya di HP ini?', 'The app is on this phone?')}</p>
      <p><a class="button" href="${secret.uri}">${t('Buka di aplikasi', 'Open in the app')}</a></p>
      <p>
        ${t('Di HP lain? Pindai kode ini dengan aplikasinya:', 'On another? Scan this with it:')}
      </p>
      <div class="qr" role="img" aria-label="${t('Kode QR untuk aplikasi', 'QR code for the app')}">
        ${picture}
      </div>
      <p>${t('Atau ketik kunci ini di aplikasinya:', 'Or type this key into the app:')}</p>
      <p class="secret row">
        <code>${groupInFours(secret.text)}</code>
        ${copyButton(secret.text, t('Salin kunci', 'Copy the key'))}
      </p>
      <h2>${t('2. Masukkan kode pertamanya', '2. Enter its first code')}</h2>
      <form method="post" action="${url(setUp)}" class="fields sign-in">
        ${input(visit, {
          name: 'code',
          label: t('6 angka dari aplikasi', '6 digits of the app'),
          errors,
          required: true,
          control: sixDigits,
        })}
        <div class="row">
          <button class="button">${t('Aktifkan', 'Switch it on')}</button>
          <a class="button quiet" href="${url(here)}">${t('Batal', 'Cancel')}</a>
        </div>
      </form>
    </div>`,
  };
}

/** In fours, as they are read and typed. */
function groupInFours(key: string): string {
  return key.replaceAll(/(.{4})(?=.)/g, '$1 ');
}

function codesPage(visit: PageContext, codes: readonly string[], isFirst: boolean): PageProps {
  const { t, url } = visit;
  const title = t('Simpan kode cadanganmu', 'Keep your recovery codes');
  const on = t('Kode dari aplikasi sudah aktif.', 'The code of the app is on.');
  const renewed = t('Kode yang lama tidak berlaku lagi.', 'The codes before do not work any more.');
  return {
    title,
    section: 'account',
    main: html`<div class="panel narrow">
      ${heading(title)}${notice('good', isFirst ? on : renewed)}
      <p>
        ${t(
          'Kode ini hanya tampil sekali. Tulis atau cetak, dan simpan jauh dari HP-mu. Kalau HP-mu hilang, tiap kode bisa dipakai masuk satu kali.',
          'These are shown this once. Write them down or print them, and keep them away from your phone. When it is lost, each signs you in once.',
        )}
      </p>
      <ul class="recovery-codes">
        ${codes.map((code) => html`<li><code>${code}</code></li>`)}
      </ul>
      <div class="row no-print">
        <a class="button" href="${url(here)}">${t('Sudah kusimpan', 'I have kept them')}</a>
        ${copyButton(codes.join('\n'), t('Salin semua', 'Copy them all'))}
        <button class="button quiet" type="button" data-print data-needs-script hidden>
          ${t('Cetak', 'Print')}
        </button>
      </div>
    </div>`,
  };
}
