import type { Campaign } from '../../campaigns/campaign.ts';
import type { DomainError, FieldError } from '../../errors/errors.ts';
import type { RawFields } from '../../http/forms.ts';
import { input, notice, textarea } from '../../web/components.ts';
import { formatFieldMoment } from '../../web/format.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';
import { decisionPart } from '../seller/campaigns/decision.ts';
import { refusalNotice } from '../kit/refusal-notice.ts';

/** What was sent with one of the forms, and why it was not taken. */
export interface Sent {
  readonly form: 'extend' | 'cancel';
  readonly typed: RawFields;
  readonly errors: readonly FieldError[];
  readonly refused?: DomainError | undefined;
}

/** The two things that an operator can override, each with a reason; nothing when it is over. */
export function overrides(visit: PageContext, campaign: Campaign, sent: Sent | undefined): Html {
  const { t } = visit;
  const open = campaign.status === 'active' || campaign.status === 'full';
  const callable = open || ['scheduled', 'inactive', 'verifying'].includes(campaign.status);
  if (campaign.is_closing) {
    return notice('busy', t('Sedang ditutup.', 'It is being closed.'));
  }
  if (!callable) return html`${decisionPart(visit, campaign, '/operator/sambatan')}`;
  return html`<section class="panel" aria-labelledby="overrides">
    <h2 id="overrides">${t('Ambil alih', 'Override')}</h2>
    <p class="quiet">
      ${t(
        'Alasanmu dicatat di log audit dan dilihat semua peserta.',
        'Your reason is kept in the audit log and seen by everybody who joined.',
      )}
    </p>
    ${refusalNotice(visit, sent?.refused)}
    ${open && extendForm(visit, campaign, sent?.form === 'extend' ? sent : undefined)}
    ${cancelForm(visit, campaign, sent?.form === 'cancel' ? sent : undefined)}
  </section>`;
}

function extendForm(visit: PageContext, campaign: Campaign, sent: Sent | undefined): Html {
  const { t, url } = visit;
  return html`<details ${sent ? html`open` : ''}>
    <summary>${t('Perpanjang batas waktu', 'Extend the deadline')}</summary>
    <form
      class="stack"
      method="post"
      action="${url(`/operator/sambatan/${campaign.id}/perpanjang`)}"
    >
      ${input(visit, {
        name: 'deadline',
        label: t('Batas waktu baru (WIB)', 'New deadline (WIB)'),
        value: sent?.typed['deadline'] ?? formatFieldMoment(campaign.deadline),
        errors: sent?.errors,
        required: true,
        control: { type: 'datetime-local', min: formatFieldMoment(campaign.deadline) },
      })}
      ${reasonField(visit, sent)}
      <button class="button">${t('Perpanjang', 'Extend')}</button>
    </form>
  </details>`;
}

function cancelForm(visit: PageContext, campaign: Campaign, sent: Sent | undefined): Html {
  const { t, url } = visit;
  return html`<details ${sent ? html`open` : ''}>
    <summary>${t('Batalkan Sambatan ini', 'Call this campaign off')}</summary>
    <form class="stack" method="post" action="${url(`/operator/sambatan/${campaign.id}/batalkan`)}">
      <p>
        ${t(
          'Semua peserta dikembalikan dananya. Ini tidak bisa diurungkan.',
          'Everybody who joined is refunded. This cannot be undone.',
        )}
      </p>
      ${input(visit, {
        name: 'title',
        label: t('Ketik judulnya untuk memastikan', 'Type its title to be sure'),
        hint: campaign.title,
        value: sent?.typed['title'],
        errors: sent?.errors,
        required: true,
        control: { autocomplete: 'off', maxlength: 120 },
      })}
      ${reasonField(visit, sent)}
      <button class="button danger">${t('Batalkan', 'Call it off')}</button>
    </form>
  </details>`;
}

function reasonField(visit: PageContext, sent: Sent | undefined): Html {
  return textarea(visit, {
    name: 'reason',
    label: visit.t('Alasan', 'Reason'),
    value: sent?.typed['reason'],
    errors: sent?.errors,
    required: true,
    control: { minlength: 3, maxlength: 500 },
  });
}

/** What is wrong when the typed title is not the campaign's. */
export function wrongTitle(campaign: Campaign, typed: string): FieldError[] {
  if (typed.trim() === campaign.title.trim()) return [];
  return [
    {
      field: 'title',
      message: {
        id: 'Belum sama dengan judulnya. Ketik persis seperti tertulis.',
        en: 'This is not the title yet. Type it exactly as it stands.',
      },
    },
  ];
}
