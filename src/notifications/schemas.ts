import Type from 'typebox';
import { auditEvents } from '../audit/events.ts';
import { choice, closed, Id, nullable, text, Timestamp } from '../http/schemas.ts';
import { channels, deliveryStatuses, type DeliveryRow } from './delivery-queries.ts';
import { topicNames } from './messages/topics.ts';
import type { EndpointRow } from './webhooks/queries.ts';

export const NotificationSchema = closed(
  {
    id: Id,
    campaign_id: Id,
    kind: Type.String(),
    title: Type.String({ description: "In the person's own language and time zone" }),
    paragraphs: Type.Array(Type.String()),
    created_at: Timestamp,
    read_at: nullable(Timestamp),
  },
  { title: 'Notification' },
);

export const TopicSchema = closed(
  { topic: choice(topicNames), email: Type.Boolean(), in_app: Type.Boolean() },
  { title: 'MessageSetting' },
);

/** The id of the person. Only the service may pass it. */
export const ofUser = { user_id: Type.Optional(Id) };

const endpointFields = {
  id: Id,
  brand_id: nullable(Id),
  url: Type.String(),
  description: Type.String(),
  events: Type.Array(Type.String(), { description: 'Empty: every event' }),
  status: choice(['enabled', 'disabled']),
  status_reason: nullable(Type.String()),
  previous_secret_until: nullable(Timestamp),
  created_at: Timestamp,
  updated_at: Timestamp,
};
export const EndpointSchema = closed(endpointFields, { title: 'Webhook' });
export const EndpointWithSecretSchema = closed(
  { ...endpointFields, secret: Type.String({ description: 'Shown this once' }) },
  { title: 'WebhookWithSecret' },
);

/** The fields of an endpoint that a caller can set. */
export const EndpointInput = {
  url: Type.String({ minLength: 10, maxLength: 500, description: 'https://, no redirects' }),
  description: text(0, 200),
  events: Type.Array(choice(auditEvents), { maxItems: auditEvents.length, uniqueItems: true }),
};

/** Converts a row to an endpoint for a response, without its secrets. */
export function endpointOf(row: EndpointRow) {
  return {
    id: row.endpoint_id,
    brand_id: row.brand_id,
    url: row.url,
    description: row.description,
    events: row.events,
    status: row.status === 'enabled' ? ('enabled' as const) : ('disabled' as const),
    status_reason: row.status_reason,
    previous_secret_until: row.previous_secret_until,
    created_at: row.created_at,
    updated_at: row.updated_at,
  };
}

export const DeliverySchema = closed(
  {
    id: Id,
    campaign_id: Id,
    channel: choice(channels),
    webhook_id: nullable(Id),
    event: nullable(Type.String()),
    seq: nullable(Type.Integer()),
    status: choice(deliveryStatuses),
    attempts: Type.Integer(),
    next_attempt_at: nullable(Timestamp),
    last_attempt_at: nullable(Timestamp),
    last_result: nullable(Type.String()),
    created_at: Timestamp,
    finished_at: nullable(Timestamp),
  },
  { title: 'Delivery' },
);

/** Converts a row to a delivery. */
export function deliveryOf(row: DeliveryRow) {
  return {
    id: row.delivery_id,
    campaign_id: row.campaign_id,
    channel: row.channel,
    webhook_id: row.endpoint_id,
    event: row.event,
    seq: row.seq === null ? null : Number(row.seq),
    status: row.status,
    attempts: row.attempts,
    next_attempt_at: row.next_attempt_at,
    last_attempt_at: row.last_attempt_at,
    last_result: row.last_result,
    created_at: row.created_at,
    finished_at: row.finished_at,
  };
}
