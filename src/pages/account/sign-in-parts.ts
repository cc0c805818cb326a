import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError, type FieldError } from '../../errors/errors.ts';
import { sendPage } from '../../http/page-response.ts';
import { input, notice } from '../../web/components.ts';
import { html, type Html, type Part } from '../../web/html.ts';
import { heading, type PageProps } from '../../web/layout.ts';
import type { PageContext } from '../../web/visit.ts';
import type { ShownLink } from '../../accounts/sign-in/link.ts';

export interface Refused {
  readonly refusal?: DomainError | undefined;
  readonly errors?: readonly FieldError[] | undefined;
}

/** Sends the page with the form again, with the errors of the form. */
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

/** Returns a notice for an error of the form as a whole. */
export function formNotice(visit: PageContext, { refusal, errors }: Refused): Part {
  const other = errors?.find(({ field }) => field !== 'email' && field !== 'code');
  // Hidden fields are not typed by the user, so their errors are shown as an error of the whole
  // form.
  const wrong = refusal ?? (other && new DomainError('sign_in_ended', {}));
  if (wrong === undefined) return undefined;
  const { title, detail } = wrong.text(visit.language);
  return notice('bad', title, detail);
}

/** Returns the notice that explains why the user must sign in before continuing. */
export function whySignIn({ t }: PageContext, reason: unknown, isKept: boolean): Html | undefined {
  const kept = isKept
    ? t('account.signInParts.weKeptWhatYouTyped')
    : t('account.signInParts.weWillTakeYouBack');
  if (reason === 'sesi') {
    return notice('busy', t('account.signInParts.yourSessionHasEnded'), kept);
  }
  if (reason !== 'formulir') return undefined;
  return notice('busy', t('account.signInParts.pleaseSignInFirst'), kept);
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
    title: t('common.signIn'),
    section: 'account',
    path: `/masuk?${new URLSearchParams({ back: show.back })}`,
    main: html`<div class="panel sign-in">
      ${show.why}${heading(
        t('account.signInParts.signInToSambatan'),
        t('account.signInParts.noPasswordNeeded'),
      )}${formNotice(visit, show)}
      <form method="post" action="${url('/masuk')}" class="fields">
        <input type="hidden" name="back" value="${show.back}" />
        ${input(visit, {
          name: 'email',
          label: t('account.signInParts.eMailAddress'),
          value: show.email,
          errors: show.errors,
          required: true,
          control: {
            type: 'email',
            autocomplete: 'email',
            maxlength: 254,
            placeholder: t('account.signInParts.nameGmailCom'),
          },
        })}
        <button class="button">${t('account.signInParts.sendTheCode')}</button>
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
    title: t('account.signInParts.enterTheCode'),
    section: 'account',
    path: `/masuk/kode?${new URLSearchParams({ id: show.id, back: show.back })}`,
    main: html`<div class="panel sign-in">
      ${heading(t('account.signInParts.checkYourEmail'), t('account.signInParts.codeSent'))}${
        show.outbox &&
        html`<div class="notice busy">
          <strong>${t('account.signInParts.testMode')}</strong>
          <span>${t('account.signInParts.noEmailIsSent')}</span>
        </div>`
      }${formNotice(visit, show)}
      <form method="post" action="${url('/masuk/kode')}" class="fields">
        <input type="hidden" name="id" value="${show.id}" />
        <input type="hidden" name="back" value="${show.back}" />
        ${input(visit, {
          name: 'code',
          label: t('common.codeFromEmail'),
          errors: show.errors,
          required: true,
          control: {
            inputmode: 'numeric',
            autocomplete: 'one-time-code',
            maxlength: 20,
            placeholder: '000000',
          },
        })}
        <button class="button">${t('common.signIn')}</button>
      </form>
      <p class="quiet">
        ${t('account.signInParts.checkSpam')} ${t('account.signInParts.useLatestCode')}
        <a href="${url(again)}">${t('account.signInParts.requestNewCode')}</a>
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
    title: t('common.signIn'),
    section: 'account',
    // The URL contains a secret, so the browser must not send it to other pages as the referrer.
    head: html`<meta name="referrer" content="same-origin" />`,
    main: html`<div class="panel sign-in">
      ${heading(
        t('account.signInParts.oneMoreTap'),
        t('account.signInParts.youAreAboutToSign', { email }),
      )}${
        !isSameBrowser &&
        notice(
          'busy',
          t('account.signInParts.requestedInAnotherBrowser'),
          t('account.signInParts.continueOnlyIfYouAsked'),
        )
      }
      <form method="post" action="${url('/masuk/tautan')}" class="fields">
        <input type="hidden" name="t" value="${show.secret}" />
        <input type="hidden" name="back" value="${show.back}" />
        ${!isSameBrowser && html`<input type="hidden" name="confirmed" value="1" />`}
        <button class="button">
          ${
            isSameBrowser
              ? t('account.signInParts.signInToSambatan')
              : t('account.signInParts.yesSignIn', { email })
          }
        </button>
      </form>
    </div>`,
  };
}
