import { type Wording, wording } from '../i18n/messages.ts';
import type { ParticipationStatus } from '../database/status-words.ts';
import type { CampaignStatus } from '../database/status-words.ts';
import type { PaymentState } from '../ledger/payments/payment-state.ts';
import { badge, type Tone } from '../web/components.ts';
import type { Html } from '../web/html.ts';
import { inLanguage, type PageContext } from '../web/visit.ts';

interface Words {
  readonly words: Wording;
  readonly tone: Tone;
}

/** The name of each campaign status on pages. */
export const campaignWords = {
  inactive: { words: wording('site.campaignWords.inactive'), tone: 'plain' },
  scheduled: { words: wording('site.campaignWords.scheduled'), tone: 'busy' },
  active: { words: wording('site.campaignWords.active'), tone: 'good' },
  full: { words: wording('site.campaignWords.full'), tone: 'good' },
  verifying: { words: wording('site.campaignWords.verifying'), tone: 'busy' },
  completed: { words: wording('site.campaignWords.completed'), tone: 'good' },
  failed: { words: wording('site.campaignWords.failed'), tone: 'bad' },
  cancelled: { words: wording('site.campaignWords.cancelled'), tone: 'bad' },
} as const satisfies Record<CampaignStatus, Words>;

/** The name of each participation status on pages. */
export const participationWords = {
  reserved: { words: wording('site.participationWords.reserved'), tone: 'busy' },
  confirmed: { words: wording('site.participationWords.confirmed'), tone: 'good' },
  cancelled: { words: wording('site.participationWords.cancelled'), tone: 'bad' },
  refunded: { words: wording('site.participationWords.refunded'), tone: 'plain' },
  fulfilled: { words: wording('site.participationWords.fulfilled'), tone: 'good' },
} as const satisfies Record<ParticipationStatus, Words>;

/** The name of each payment state on pages. */
export const paymentWords = {
  not_due: { words: wording('site.paymentWords.not_due'), tone: 'plain' },
  due: { words: wording('site.paymentWords.due'), tone: 'busy' },
  overdue: { words: wording('site.paymentWords.overdue'), tone: 'bad' },
  proof_submitted: { words: wording('site.paymentWords.proof_submitted'), tone: 'busy' },
  pending_online: {
    words: wording('site.paymentWords.pending_online'),
    tone: 'busy',
  },
  paid: { words: wording('site.paymentWords.paid'), tone: 'good' },
  refund_due: { words: wording('site.paymentWords.refund_due'), tone: 'busy' },
  refunded: { words: wording('site.paymentWords.refunded'), tone: 'plain' },
  unpaid: { words: wording('site.paymentWords.unpaid'), tone: 'bad' },
  void: { words: wording('site.paymentWords.void'), tone: 'plain' },
} as const satisfies Record<PaymentState, Words>;

export function paymentBadge(visit: PageContext, state: PaymentState): Html {
  const { words, tone } = paymentWords[state];
  return badge(inLanguage(visit, words), tone);
}

export function campaignBadge(visit: PageContext, status: CampaignStatus): Html {
  const { words, tone } = campaignWords[status];
  return badge(inLanguage(visit, words), tone);
}

export function participationBadge(visit: PageContext, status: ParticipationStatus): Html {
  const { words, tone } = participationWords[status];
  return badge(inLanguage(visit, words), tone);
}
