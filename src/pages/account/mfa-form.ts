import Type from 'typebox';
import type { FieldError } from '../../errors/errors.ts';
import { text } from '../../http/schemas.ts';
import { input } from '../../web/components.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';

/** A code of the app or a recovery code, depending on the submitted form. */
export const factorFields = {
  code: Type.Optional(text(1, 20)),
  recovery_code: Type.Optional(text(1, 40)),
};

/** The input of a six-digit code. */
export const sixDigits = {
  inputmode: 'numeric',
  autocomplete: 'one-time-code',
  maxlength: 20,
  placeholder: '000000',
} as const;

interface FactorForm {
  /** The path to which both forms are sent, without the language. */
  readonly action: string;
  /** Hidden fields by name; a name may occur twice. */
  readonly hidden: readonly (readonly [name: string, value: string])[];
  /** Labels of the two codes; default as in `factorFields`. */
  readonly names?: { readonly code: string; readonly recovery: string };
  readonly button: string;
  readonly errors?: readonly FieldError[] | undefined;
}

/** Hidden fields by name. */
export function hiddenInputs(fields: FactorForm['hidden']): Html[] {
  return fields.map(
    ([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`,
  );
}

/** The form for a code of the app, and below it the form for a recovery code. */
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
