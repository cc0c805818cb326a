import type { DomainError } from '../../errors/errors.ts';
import { input, notice } from '../../web/components.ts';
import { html, type Html } from '../../web/html.ts';
import { heading, type PageProps } from '../../web/layout.ts';
import type { PageContext } from '../../web/visit.ts';
import { factorInputs, hiddenInputs, sixDigits } from './mfa-form.ts';

/**
 * Names of the fields that a re-authentication form has in addition to the fields of the original
 * form.
 */
export const reauthenticationFields = {
  id: 'proof_id',
  code: 'proof_code',
  recovery: 'proof_recovery_code',
  again: 'proof_again',
} as const;

/** What the re-authentication page shows before a sensitive action. */
export interface Asked {
  /**
   * How the user can re-authenticate: with the second factor, or with a code sent by e-mail.
   * Undefined if this service offers the user neither.
   */
  readonly way: 'factor' | 'code' | undefined;
  /** The fields of the original form, in order. The form is processed after re-authentication. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The id of the code that was sent; undefined if no code could be sent. */
  readonly proofId: string | undefined;
  readonly refusal: DomainError | undefined;
}

/** Returns the re-authentication page. Its forms are sent to the path of the original form. */
export function reauthenticationPage(visit: PageContext, asked: Asked): PageProps {
  const { t, language } = visit;
  const wrong = asked.refusal?.text(language);
  const title = t('account.reauthenticate.confirmItIsYou');
  return {
    title,
    section: 'account',
    main: html`<div class="panel sign-in">
      ${heading(
        title,
        t('account.reauthenticate.forYourSecurity'),
      )}${wrong && notice('bad', wrong.title, wrong.detail)}${wayOn(visit, asked)}
    </div>`,
  };
}

function wayOn(visit: PageContext, asked: Asked): Html {
  const { t } = visit;
  switch (asked.way) {
    case 'factor':
      return factorInputs(visit, {
        action: visit.path,
        hidden: asked.fields,
        names: reauthenticationFields,
        button: t('account.reauthenticate.continue'),
      });
    case 'code':
      return codeForms(visit, asked);
    case undefined:
      return html`<p>${t('account.reauthenticate.signInAgainWithTheService')}</p>`;
    default:
      return asked.way satisfies never;
  }
}

function codeForms(visit: PageContext, { fields, proofId }: Asked): Html {
  const { t, url, person } = visit;
  const action = url(visit.path);
  return html`${
      proofId !== undefined &&
      html`<p>${t('account.reauthenticate.codeSentTo', { email: person?.email ?? '' })}</p>
        <form method="post" action="${action}" class="fields">
          ${hiddenInputs([...fields, [reauthenticationFields.id, proofId]])}${input(visit, {
            name: reauthenticationFields.code,
            label: t('common.codeFromEmail'),
            required: true,
            control: sixDigits,
          })}
          <button class="button">${t('account.reauthenticate.continue')}</button>
        </form>`
    }
    <form method="post" action="${action}">
      ${hiddenInputs([...fields, [reauthenticationFields.again, '1']])}
      <button class="button quiet">${t('account.reauthenticate.sendANewCode')}</button>
    </form>`;
}
