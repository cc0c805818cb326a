/** Events of a campaign: they change its status or are only recorded for it. */
export const campaignEvents = [
  'campaign_created',
  'campaign_edited',
  'campaign_opened',
  'campaign_full',
  'campaign_reopened',
  'campaign_verifying',
  'campaign_completed',
  'campaign_failed',
  'campaign_cancelled',
  'deadline_extended',
] as const;
export type CampaignEvent = (typeof campaignEvents)[number];

/** Events that change a participation's status. */
export const participationEvents = [
  'participant_joined',
  'participant_confirmed',
  'participant_cancelled',
  'participant_refunded',
  'participant_fulfilled',
] as const;
export type ParticipationEvent = (typeof participationEvents)[number];

/** Events that change the content of a participation but not its status. */
export const correctionEvents = ['participant_changed'] as const;

/** Events of a waiting-list entry. The metadata of the event contains the entry's id. */
export const waitingEvents = [
  'waiting_joined',
  'waiting_offered',
  'waiting_accepted',
  'waiting_declined',
  'waiting_lapsed',
  'waiting_withdrawn',
  'waiting_closed',
] as const;
export type WaitingEvent = (typeof waitingEvents)[number];

/** Events about the money of one participation; they do not change its status. */
export const moneyEvents = [
  'payment_proof_submitted',
  'payment_settled',
  'payment_rejected',
  'payment_late',
  'refund_settled',
  'refund_failed',
  'refund_reversed',
  'refund_doubled',
  'refund_recovered',
  'refund_lost',
  'dispute_opened',
  'dispute_resolved',
] as const;

/** Events about the money of a whole campaign; they do not change its status. */
export const payoutEvents = [
  'payout_released',
  'payout_settled',
  'payout_reversed',
  'campaign_shortfall',
  'campaign_shipped',
  'campaign_below_minimum',
  'campaign_continued',
] as const;

/** All events of the audit log. A check in the database schema repeats this list. */
export const auditEvents = [
  ...campaignEvents,
  ...participationEvents,
  ...correctionEvents,
  ...moneyEvents,
  ...payoutEvents,
  ...waitingEvents,
] as const;
export type AuditEvent = (typeof auditEvents)[number];
