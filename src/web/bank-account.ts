import type { FieldError } from '../errors/errors.ts';
import { input } from './components.ts';
import { html, type Html } from './html.ts';
import type { PageContext } from './visit.ts';

/** The input of a bank account form, and its field errors. */
export interface TypedAccount {
  readonly typed: Readonly<Record<string, string | undefined>>;
  readonly errors?: readonly FieldError[] | undefined;
}

/**
 * Returns the form fields of a bank account. `isOwn` means that the users enter their own account.
 */
export function bankAccountInputs(
  visit: PageContext,
  { typed, errors }: TypedAccount,
  { isOwn }: { readonly isOwn: boolean },
): Html {
  const { t } = visit;
  const field = (name: string, label: string, control: Readonly<Record<string, string | number>>) =>
    input(visit, { name, label, value: typed[name], errors, required: true, control });
  return html`${field('bank', t('site.bankAccount.bankOrWallet'), {
    maxlength: 40,
    autocomplete: 'off',
    placeholder: 'BCA',
  })}${field('number', t('site.bankAccount.accountNumber'), {
    inputmode: 'numeric',
    maxlength: 40,
    autocomplete: 'off',
  })}${field('holder', t('site.bankAccount.holderName'), {
    maxlength: 80,
    autocomplete: isOwn ? 'name' : 'off',
  })}`;
}
