import type { DomainError } from '../../errors/errors.ts';
import { input, notice } from '../../web/components.ts';
import { html, type Html } from '../../web/html.ts';
import { heading, type PageProps } from '../../web/layout.ts';
import type { PageContext } from '../../web/visit.ts';
import { factorInputs, hiddenInputs, sixDigits } from './mfa-form.ts';

/** What the forms of this page say beside what was being done. */
export const reauthenticationFields = {
  id: 'proof_id',
  code: 'proof_code',
  recovery: 'proof_recovery_code',
  again: 'proof_again',
} as const;

/** What is asked of somebody who does something sensitive. */
export interface Asked {
  /** By what they can prove themselves; undefined: by nothing of ours. */
  readonly way: 'factor' | 'code' | undefined;
  /** What was being done, which goes on once they have: its fields, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Of the code that was sent; undefined when none could be. */
  readonly proofId: string | undefined;
  readonly refusal: DomainError | undefined;
}

/** Proving oneself again, in the middle of something; its forms go to where that was going. */
export function reauthenticationPage(visit: PageContext, asked: Asked): PageProps {
  const { t, language } = visit;
  const wrong = asked.refusal?.text(language);
  const title = t('account.reauthenticate.proveThatIt');
  return {
    title,
    section: 'account',
    main: html`<div class="panel sign-in">
      ${heading(
        title,
        t('account.reauthenticate.thisIsSensitiveAndYouSigned'),
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
        button: t('account.reauthenticate.goOn'),
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
      html`<p>${t('account.reauthenticate.weHaveSentACode')} ${person?.email}.</p>
        <form method="post" action="${action}" class="fields">
          ${hiddenInputs([...fields, [reauthenticationFields.id, proofId]])}${input(visit, {
            name: reauthenticationFields.code,
            label: t('common.codeFromEmail'),
            required: true,
            control: sixDigits,
          })}
          <button class="button">${t('account.reauthenticate.goOn')}</button>
        </form>`
    }
    <form method="post" action="${action}">
      ${hiddenInputs([...fields, [reauthenticationFields.again, '1']])}
      <button class="button quiet">${t('account.reauthenticate.sendANewCode')}</button>
    </form>`;
}
