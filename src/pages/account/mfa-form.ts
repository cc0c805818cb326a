import Type from 'typebox';
import type { FieldError } from '../../errors/errors.ts';
import { text } from '../../http/schemas.ts';
import { input } from '../../web/components.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';

/**
 * Form fields for a second factor: a code of the authenticator app, or a recovery code. The user
 * submits one of them.
 */
export const factorFields = {
  code: Type.Optional(text(1, 20)),
  recovery_code: Type.Optional(text(1, 40)),
};

/** Attributes of an input for a six-digit code. */
export const sixDigits = {
  inputmode: 'numeric',
  autocomplete: 'one-time-code',
  maxlength: 20,
  placeholder: '000000',
} as const;

interface FactorForm {
  /** The path to which both forms are sent, without the language prefix. */
  readonly action: string;
  /** Hidden fields of both forms. A name may occur more than once. */
  readonly hidden: readonly (readonly [name: string, value: string])[];
  /** The field names of the two codes. The default is the names in `factorFields`. */
  readonly names?: { readonly code: string; readonly recovery: string };
  readonly button: string;
  readonly errors?: readonly FieldError[] | undefined;
}

/** Returns a hidden input for each field. */
export function hiddenInputs(fields: FactorForm['hidden']): Html[] {
  return fields.map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
  );
}

/**
 * Returns the form for a code of the authenticator app and, below it, the form for a recovery code.
 */
export function factorInputs(visit: PageContext, form: FactorForm): Html {
  const { t, url } = visit;
  const { code, recovery } = form.names ?? { code: 'code', recovery: 'recovery_code' };
  const hidden = hiddenInputs(form.hidden);
  return html`<form method="post" action="${url(form.action)}" class="fields">
      ${hidden}${input(visit, {
        name: code,
        label: t('account.mfaForm.authenticatorCode'),
        hint: t('account.mfaForm.openAuthenticatorApp'),
        errors: form.errors,
        required: true,
        control: sixDigits,
      })}
      <button class="button">${form.button}</button>
    </form>
    <details>
      <summary>${t('account.mfaForm.lostOrChangedYourPhone')}</summary>
      <form method="post" action="${url(form.action)}" class="fields">
        ${hidden}${input(visit, {
          name: recovery,
          label: t('account.mfaForm.backupCode'),
          hint: t('account.mfaForm.eachBackupCodeWorksOnce'),
          errors: form.errors,
          required: true,
          control: {
            autocomplete: 'off',
            autocapitalize: 'none',
            spellcheck: 'false',
            maxlength: 40,
            placeholder: 'abcd-efgh-jkmn-pqrs',
          },
        })}
        <button class="button quiet">${form.button}</button>
      </form>
      <p class="quiet">${t('account.mfaForm.backupCodesLostToo')}</p>
    </details>`;
}
