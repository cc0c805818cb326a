import { type Wording, wording } from '../../i18n/messages.ts';

const statusWords: Readonly<Record<string, Wording>> = {
  inactive: wording('errors.statusWords.inactive'),
  scheduled: wording('errors.statusWords.scheduled'),
  active: wording('errors.statusWords.active'),
  full: wording('errors.statusWords.full'),
  verifying: wording('errors.statusWords.verifying'),
  completed: wording('errors.statusWords.completed'),
  failed: wording('errors.statusWords.failed'),
  reserved: wording('errors.statusWords.reserved'),
  confirmed: wording('errors.statusWords.confirmed'),
  cancelled: wording('errors.statusWords.cancelled'),
  refunded: wording('errors.statusWords.refunded'),
  fulfilled: wording('errors.statusWords.fulfilled'),
  waiting: wording('errors.statusWords.waiting'),
  offered: wording('errors.statusWords.offered'),
  accepted: wording('errors.statusWords.accepted'),
  declined: wording('errors.statusWords.declined'),
  lapsed: wording('errors.statusWords.lapsed'),
  withdrawn: wording('errors.statusWords.withdrawn'),
  closed: wording('errors.statusWords.closed'),
};

const eventWords: Readonly<Record<string, Wording>> = {
  campaign_opened: wording('errors.eventWords.campaign_opened'),
  campaign_reopened: wording('errors.eventWords.campaign_reopened'),
  campaign_completed: wording('errors.eventWords.campaign_completed'),
  campaign_failed: wording('errors.eventWords.campaign_failed'),
  campaign_cancelled: wording('errors.eventWords.campaign_cancelled'),
  campaign_edited: wording('errors.eventWords.campaign_edited'),
  deadline_extended: wording('errors.eventWords.deadline_extended'),
  participant_confirmed: wording('errors.eventWords.participant_confirmed'),
  participant_cancelled: wording('errors.eventWords.participant_cancelled'),
  participant_refunded: wording('errors.eventWords.participant_refunded'),
  participant_changed: wording('errors.eventWords.participant_changed'),
  participant_fulfilled: wording('errors.eventWords.participant_fulfilled'),
  waiting_accepted: wording('errors.eventWords.waiting_accepted'),
  waiting_declined: wording('errors.eventWords.waiting_declined'),
  waiting_withdrawn: wording('errors.eventWords.waiting_withdrawn'),
  dispute_opened: wording('errors.eventWords.dispute_opened'),
  campaign_shortfall: wording('errors.eventWords.campaign_shortfall'),
};

const paymentStatusWords: Readonly<Record<string, Wording>> = {
  due: wording('errors.paymentStatusWords.due'),
  proof_submitted: wording('errors.paymentStatusWords.proof_submitted'),
  rejected: wording('errors.paymentStatusWords.rejected'),
  pending: wording('errors.paymentStatusWords.pending'),
  settled: wording('errors.paymentStatusWords.settled'),
  reversed: wording('errors.paymentStatusWords.reversed'),
  void: wording('errors.paymentStatusWords.void'),
};

/** A status of a payment, refund or payout in a sentence. */
export function paymentStatusWord(status: string): Wording {
  return paymentStatusWords[status] ?? wording('errors.statusWords.unknown', { status });
}

/** A status of a campaign, participation or waiting entry in a sentence. */
export function statusWord(status: string): Wording {
  return statusWords[status] ?? wording('errors.statusWords.unknown', { status });
}

/** Returns an event as a participle: the refused action. */
export function eventWord(event: string): Wording {
  return eventWords[event] ?? wording('errors.field.changedLikeThat');
}
