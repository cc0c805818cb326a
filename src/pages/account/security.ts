import type { FastifyReply, FastifyRequest } from 'fastify';
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
import { qrCode } from '../../web/qr-code.ts';

const securityPath = '/akun/keamanan';
const setUp = `${securityPath}/aplikasi`;
const readCode = formParser(closed({ code: text(1, 20) }));

/** Registers the pages for the user's second factor: set-up, recovery codes and removal. */
export function securityPages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get(securityPath, async (request, reply) => {
      const { visit } = request;
      requirePerson(visit);
      const state = await ownFactor(app.db, visit.actor);
      return sendPage(request, reply, securityPage(visit, state));
    });

    server.post(`${securityPath}/mulai`, async (request, reply) => {
      requirePerson(request.visit);
      await runInTransaction(app.db, (tx) => beginFactor(tx, app.signIn, request.visit.actor));
      return redirect(request, reply, setUp);
    });

    server.get(setUp, async (request, reply) => {
      requirePerson(request.visit);
      try {
        return await showSetUp(app, request, reply);
      } catch (error) {
        // There is no set-up in progress, or it has expired. The user must start again on the
        // previous page.
        const isOver =
          error instanceof DomainError &&
          (error.status === 409 || error.code === 'reauthentication_required');
        if (isOver) return redirect(request, reply, securityPath);
        throw error;
      }
    });

    server.post(setUp, async (request, reply) => {
      const { visit } = request;
      requirePerson(visit);
      const form = readCode(request.body);
      if ('errors' in form) return showSetUp(app, request, reply, { errors: form.errors }, 422);
      const { sessionId } = visit;
      const given = { code: form.value.code, sessionId, device: deviceOf(request) };
      const outcome = await toResult(() =>
        runInTransaction(app.db, (tx) => confirmFactor(tx, app.signIn, visit.actor, given)),
      );
      if ('refused' in outcome) {
        const { refused } = outcome;
        if (refused.status !== 422) throw refused;
        return showSetUp(app, request, reply, { refusal: refused }, refused.status);
      }
      await sendMfaEmail(app, request, 'added');
      return sendSecretPage(request, reply, codesPage(visit, outcome.done, true));
    });

    server.post(`${securityPath}/kode-cadangan`, async (request, reply) => {
      const { visit } = request;
      requirePerson(visit);
      const codes = await runInTransaction(app.db, (tx) =>
        renewRecoveryCodes(tx, visit.actor, deviceOf(request)),
      );
      await sendMfaEmail(app, request, 'codes');
      return sendSecretPage(request, reply, codesPage(visit, codes, false));
    });

    // An operator who signed in without the second factor uses this form. The error starts the
    // re-authentication.
    server.post(`${securityPath}/bukti`, async (request, reply) => {
      const { actor } = request.visit;
      requirePerson(request.visit);
      const lacks = actor.kind === 'user' && actor.lacksFactor === true;
      if (lacks) throw new DomainError('reauthentication_required', {});
      return redirect(request, reply, actor.kind === 'operator' ? '/operator' : securityPath);
    });

    server.post(`${securityPath}/matikan`, async (request, reply) => {
      const { visit } = request;
      requirePerson(visit);
      await runInTransaction(app.db, (tx) => removeFactor(tx, visit.actor, deviceOf(request)));
      await sendMfaEmail(app, request, 'removed');
      return redirect(request, reply, securityPath);
    });
  };
}

/**
 * Sends the user an e-mail about a change of the second factor. If sending fails, the error is only
 * logged.
 */
async function sendMfaEmail(
  app: PageDeps,
  { visit, log }: FastifyRequest,
  change: Parameters<typeof mfaEmail>[0],
) {
  const to = visit.person?.email;
  if (typeof to !== 'string') return;
  await app.mailer.send({ to, ...mfaEmail(change, visit.language) }).catch((error: unknown) => {
    log.warn({ err: error }, 'an owner could not be notified of a change of their second factor');
  });
}

/** Returns the secret of the second factor that is being set up. */
async function pendingSecret(app: PageDeps, visit: PageContext): Promise<ShownSecret> {
  const { email, displayName } = requirePerson(visit);
  const label = email ?? (displayName === '' ? 'Sambatan' : displayName);
  return await factorToSetUp(app.db, app.signIn, visit.actor, label);
}

/** Sends the page that sets up an authenticator app. */
async function showSetUp(
  app: PageDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  shown: Shown = {},
  status = 200,
) {
  const { visit } = request;
  const secret = await pendingSecret(app, visit);
  const picture = await qrCode(secret.uri);
  return sendSecretPage(request, reply, setUpPage(visit, secret, trusted(picture), shown), status);
}

interface Shown {
  readonly errors?: readonly FieldError[];
  readonly refusal?: DomainError;
}

function securityPage(visit: PageContext, state: FactorState): PageProps {
  const { t, url } = visit;
  const title = t('common.security');
  return {
    title,
    section: 'account',
    main: html`<div class="panel narrow">
      ${heading(
        title,
        t('account.security.twoStepProtects'),
      )}${missingFactorNotice(visit, state)}${state.since === undefined ? factorOff(visit) : factorOn(visit, state)}
      <p><a href="${url('/akun')}">${t('common.backToAccount')}</a></p>
    </div>`,
  };
}

/**
 * Returns a notice that tells an operator why the operator pages are not available. Undefined for
 * other users.
 */
function missingFactorNotice({ t, url, actor }: PageContext, { since }: FactorState): Part {
  if (actor.kind !== 'user' || actor.lacksFactor !== true) return undefined;
  const told = t('account.security.operatorsNeedTwoStep');
  return html`${notice('busy', t('account.security.youAreAnOperator'), told)}${
    since !== undefined &&
    html`<form method="post" action="${url(`${securityPath}/bukti`)}">
      <button class="button">${t('account.security.enterAuthenticatorCode')}</button>
    </form>`
  }`;
}

function factorOff({ t, url }: PageContext): Html {
  return html`<p class="row">
      ${t('account.security.twoStepVerification')} ${badge(t('account.security.off'))}
    </p>
    <p>${t('account.security.howItWorks')}</p>
    <form method="post" action="${url(`${securityPath}/mulai`)}">
      <button class="button">${t('account.security.turnOn')}</button>
    </form>`;
}

function factorOn(visit: PageContext, { since, codesLeft }: FactorState): Html {
  const { t, url } = visit;
  return html`<p class="row">
      ${t('account.security.twoStepVerification')} ${badge(t('account.security.on'), 'good')}
    </p>
    <p class="quiet">${t('common.since')} ${since && exactMoment(visit, since)}</p>
    <h2>${t('account.security.backupCodes')}</h2>
    <p>${t('account.security.backupCodesLeft', { codesLeft, recoveryCodeCount })}</p>
    <form method="post" action="${url(`${securityPath}/kode-cadangan`)}">
      <button class="button quiet">${t('account.security.createBackupCodes')}</button>
    </form>
    <details>
      <summary>${t('account.security.turnOffTwoStep')}</summary>
      <p>${t('account.security.turnOffWarning')}</p>
      <form method="post" action="${url(`${securityPath}/matikan`)}">
        <button class="button danger">${t('account.security.turnOff')}</button>
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
  const title = t('account.security.setUpTwoStep');
  const wrong = refusal?.text(language);
  return {
    title,
    section: 'account',
    main: html`<div class="panel narrow">
      ${heading(title)}${wrong && notice('bad', wrong.title, wrong.detail)}
      <h2>${t('account.security.step1AddToApp')}</h2>
      <p>${t('account.security.isAppOnThisPhone')}</p>
      <p><a class="button" href="${secret.uri}">${t('account.security.openInTheApp')}</a></p>
      <p>${t('account.security.scanOnAnotherPhone')}</p>
      <div class="qr" role="img" aria-label="${t('account.security.qRCodeForTheApp')}">
        ${picture}
      </div>
      <p>${t('account.security.orTypeKey')}</p>
      <p class="secret row">
        <code>${groupInFours(secret.text)}</code>
        ${copyButton(secret.text, t('account.security.copyTheKey'))}
      </p>
      <h2>${t('account.security.step2EnterCode')}</h2>
      <form method="post" action="${url(setUp)}" class="fields sign-in">
        ${input(visit, {
          name: 'code',
          label: t('account.security.authenticatorCode'),
          errors,
          required: true,
          control: sixDigits,
        })}
        <div class="row">
          <button class="button">${t('account.security.turnOn')}</button>
          <a class="button quiet" href="${url(securityPath)}">${t('common.cancel')}</a>
        </div>
      </form>
    </div>`,
  };
}

/**
 * Inserts a space after every four characters, so that a person can read and type the key easily.
 */
function groupInFours(key: string): string {
  return key.replaceAll(/(.{4})(?=.)/g, '$1 ');
}

function codesPage(visit: PageContext, codes: readonly string[], isFirst: boolean): PageProps {
  const { t, url } = visit;
  const title = t('account.security.saveBackupCodes');
  const on = t('account.security.twoStepIsOn');
  const renewed = t('account.security.oldBackupCodesInvalid');
  return {
    title,
    section: 'account',
    main: html`<div class="panel narrow">
      ${heading(title)}${notice('good', isFirst ? on : renewed)}
      <p>${t('account.security.shownOnlyOnce')}</p>
      <ul class="recovery-codes">
        ${codes.map((code) => html`<li><code>${code}</code></li>`)}
      </ul>
      <div class="row no-print">
        <a class="button" href="${url(securityPath)}">${t('account.security.savedThem')}</a>
        ${copyButton(codes.join('\n'), t('account.security.copyThemAll'))}
        <button class="button quiet" type="button" data-print data-needs-script hidden>
          ${t('common.print')}
        </button>
      </div>
    </div>`,
  };
}
