import type { AuditEvent } from '../audit/events.ts';
import { query } from '../database/query.ts';
import type { MessageParams } from './messages/messages.ts';
import type { Reader } from './inbox-queries.ts';

export const deliveryStatuses = ['pending', 'delivered', 'failed', 'dropped'] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];
export const channels = ['email', 'webhook'] as const;
export type Channel = (typeof channels)[number];

/**
 * An attempt that has started. If its outcome is not stored before the lease expires, another
 * worker repeats the attempt.
 */
export interface Claimed {
  readonly campaign_id: string;
  readonly delivery_id: string;
  /** Number of attempts so far, including the current one. */
  readonly attempts: number;
}

export type ClaimedEmail = Claimed & Reader & EmailFacts;

/** The notification that an e-mail contains, and the recipient. */
export interface EmailFacts {
  /** The recipient; null when the notification was deleted. */
  readonly user_id: string | null;
  readonly kind: string | null;
  readonly topic: string | null;
  readonly params: MessageParams | null;
  readonly email: string | null;
  readonly wanted: boolean | null;
}

/**
 * Query that claims due e-mails for one attempt each. The e-mail that has been due for the longest
 * time is first.
 */
export const claimEmails = query<
  [limit: number, leaseId: string, leaseSeconds: number],
  ClaimedEmail
>('claim_emails', 'select * from sambatan.claim_emails($1, $2, $3)', { writes: true });

export type ClaimedWebhook = Claimed & EventToSend;

/** The event that a webhook reports, and the endpoint to which it is sent. */
export interface EventToSend {
  readonly endpoint_id: string;
  readonly url: string;
  readonly secret: string;
  /** The previous signing secret; null when it is no longer valid. */
  readonly previous_secret: string | null;
  readonly seq: bigint;
  readonly occurred_at: Date;
  readonly participation_id: string | null;
  readonly event: AuditEvent;
  readonly actor: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/**
 * Query that claims due webhooks for one attempt each. It claims at most `perEndpoint` webhooks per
 * endpoint, and none for the busy endpoints, so that a slow receiver does not delay the other
 * receivers.
 */
export const claimWebhooks = query<
  [
    limit: number,
    leaseId: string,
    leaseSeconds: number,
    perEndpoint: number,
    busyEndpoints: string[],
  ],
  ClaimedWebhook
>('claim_webhooks', 'select * from sambatan.claim_webhooks($1, $2, $3, $4, $5)', { writes: true });

/**
 * Query that renews the leases of attempts in progress, so that no other worker repeats these
 * attempts.
 */
export const extendLeases = query<
  [campaignIds: string[], deliveryIds: string[], leaseIds: string[], leaseSeconds: number],
  never
>('extend_leases', 'select sambatan.extend_leases($1, $2, $3, $4)', { writes: true });

/**
 * Query that stores the outcomes of attempts. It ignores an attempt if another worker has claimed
 * the delivery in the meantime. If the wait is null, no further attempt follows.
 */
export const endAttempts = query<
  [
    campaignIds: string[],
    deliveryIds: string[],
    leaseIds: string[],
    statuses: DeliveryStatus[],
    waitsSeconds: (number | null)[],
    results: string[],
  ],
  never
>('end_attempts', 'select sambatan.end_attempts($1, $2, $3, $4, $5, $6)', { writes: true });

export interface DeliveryRow {
  readonly campaign_id: string;
  readonly delivery_id: string;
  readonly channel: Channel;
  readonly endpoint_id: string | null;
  readonly seq: bigint | null;
  readonly event: string | null;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly next_attempt_at: Date | null;
  readonly last_attempt_at: Date | null;
  readonly last_result: string | null;
  readonly created_at: Date;
  readonly finished_at: Date | null;
}

const columns = `d.campaign_id, d.delivery_id, d.channel, d.endpoint_id, d.seq, a.event, d.status,
    d.attempts, d.next_attempt_at, d.last_attempt_at, d.last_result, d.created_at, d.finished_at`;
const withEvent = `left join sambatan.audit_events a
    on a.campaign_id = d.campaign_id and a.seq = d.seq`;

/** Query for a page of an endpoint's deliveries, newest first. */
export const listEndpointDeliveries = query<
  [endpointId: string, before: string | null, limit: number],
  DeliveryRow
>(
  'list_endpoint_deliveries',
  `select ${columns} from (
    select * from sambatan.deliveries
    where channel = 'webhook' and endpoint_id = $1
      and delivery_id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
    order by delivery_id desc limit $3) d
  ${withEvent} order by d.delivery_id desc`,
);

/** Query for a page of all deliveries with one status, newest first. */
export const listDeliveries = query<
  [status: DeliveryStatus, before: string | null, limit: number],
  DeliveryRow
>(
  'list_deliveries',
  `select ${columns} from (
    select * from sambatan.deliveries
    where status = $1 and delivery_id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid)
    order by delivery_id desc limit $3) d
  ${withEvent} order by d.delivery_id desc`,
);

export const findDelivery = query<
  [deliveryId: string],
  DeliveryRow & { readonly brand_id: string | null }
>(
  'find_delivery',
  `select ${columns}, e.brand_id from (
    select * from sambatan.deliveries where delivery_id = $1) d
  ${withEvent}
  left join sambatan.webhook_endpoints e on e.endpoint_id = d.endpoint_id`,
);

/** Query that makes a delivery pending again. Its attempts are counted from the beginning again. */
export const resendDelivery = query<[campaignId: string, deliveryId: string], DeliveryRow>(
  'resend_delivery',
  `with again as (
    update sambatan.deliveries set status = 'pending', attempts = 0, lease_id = null,
      next_attempt_at = clock_timestamp(), finished_at = null
    where campaign_id = $1 and delivery_id = $2 returning *)
  select ${columns} from again d ${withEvent}`,
);

/** Query for the maximum time in seconds for which a pending delivery has been due. */
export const outboxLag = query<[], { readonly lag_seconds: number }>(
  'outbox_lag',
  `select greatest(0, extract(epoch from clock_timestamp() - least(
    (select min(next_attempt_at) from sambatan.deliveries
      where status = 'pending' and channel = 'email'),
    (select min(w.at) from sambatan.webhook_endpoints e
      cross join lateral (select min(next_attempt_at) as at from sambatan.deliveries
        where status = 'pending' and channel = 'webhook' and endpoint_id = e.endpoint_id) w
      where e.status = 'enabled'))))::double precision as lag_seconds`,
);

/** Queries that delete finished deliveries after a month and notifications after half a year. */
export const deleteOldMessages = {
  deliveries: query<[], never>(
    'delete_expired_deliveries',
    `delete from sambatan.deliveries where ctid = any (array(
      select ctid from sambatan.deliveries
      where finished_at < now() - interval '30 days' order by finished_at limit 10000))`,
  ),
  notifications: query<[], never>(
    'delete_expired_notifications',
    `delete from sambatan.notifications where ctid = any (array(
      select ctid from sambatan.notifications
      where created_at < now() - interval '180 days' order by created_at limit 10000))`,
  ),
  reminders: query<[], never>(
    'delete_expired_reminders',
    `delete from sambatan.reminders where ctid = any (array(
      select ctid from sambatan.reminders
      where done_at < now() - interval '30 days' order by done_at limit 10000))`,
  ),
} as const;
