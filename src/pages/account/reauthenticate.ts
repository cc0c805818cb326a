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
  const title = t('Buktikan ini kamu', 'Prove that it is you');
  return {
    title,
    section: 'account',
    main: html`<div class="panel sign-in">
      ${heading(
        title,
        t(
          'Ini hal penting, dan kamu masuknya sudah agak lama. Yang kamu isi tetap tersimpan di halaman ini.',
          'This is sensitive, and you signed in a while ago. What you typed is kept on this page.',
        ),
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
        button: t('Lanjutkan', 'Go on'),
      });
    case 'code':
      return codeForms(visit, asked);
    case undefined:
      return html`<p>
        ${t(
          'Masuk lagi lewat layanan tempat akunmu dibuat, lalu ulangi di sini.',
          'Sign in again with the service that your account is from, then repeat this here.',
        )}
      </p>`;
    default:
      return asked.way satisfies never;
  }
}

function codeForms(visit: PageContext, { fields, proofId }: Asked): Html {
  const { t, url, person } = visit;
  const action = url(visit.path);
  return html`${
      proofId !== undefined &&
      html`<p>
          ${t('Kami kirim kode 6 angka ke', 'We have sent a code of 6 digits to')} ${person?.email}.
        </p>
        <form method="post" action="${action}" class="fields">
          ${hiddenInputs([...fields, [reauthenticationFields.id, proofId]])}${input(visit, {
            name: reauthenticationFields.code,
            label: t('Kode dari e-mail', 'Code from the mail'),
            required: true,
            control: sixDigits,
          })}
          <button class="button">${t('Lanjutkan', 'Go on')}</button>
        </form>`
    }
    <form method="post" action="${action}">
      ${hiddenInputs([...fields, [reauthenticationFields.again, '1']])}
      <button class="button quiet">${t('Kirim kode baru', 'Send a new code')}</button>
    </form>`;
}
