/** Every event of the audit log; the schema's check says them once more. */
export const auditEvents = [
  'campaign_created',
  'campaign_edited',
  'campaign_opened',
  'campaign_full',
  'campaign_reopened',
  'campaign_completed',
  'campaign_failed',
  'campaign_cancelled',
  'deadline_extended',
  'participant_joined',
  'participant_confirmed',
  'participant_cancelled',
  'participant_refunded',
  'participant_fulfilled',
] as const;
export type AuditEvent = (typeof auditEvents)[number];
