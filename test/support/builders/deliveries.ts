import type { Queryable } from '../../../src/database/query.ts';
import { newId } from '../../../src/identity/ids.ts';
import { newSecret } from '../../../src/notifications/webhooks/webhooks.ts';
import { queryRows } from './market.ts';

/** Inserts a notification into a person's inbox without the operation that usually creates it. */
export async function insertNotification(
  db: Queryable,
  campaignId: string,
  userId: string,
): Promise<string> {
  const id = newId();
  await queryRows(
    db,
    `insert into sambatan.notifications (campaign_id, notification_id, user_id, event_key, kind,
      topic, params, in_app)
    values ($1, $2, $3, $4, 'joined', 'orders', '{"campaign": "Senja", "brand": "Melati"}', true)`,
    campaignId,
    id,
    userId,
    `test:${id}`,
  );
  return id;
}

/** Inserts a webhook endpoint of a brand. With `null` it belongs to no brand. */
export async function insertEndpoint(
  db: Queryable,
  brandId: string | null,
  url = 'https://receiver.example/hook',
): Promise<{ id: string; secret: string }> {
  const [id, secret] = [newId(), newSecret()];
  await queryRows(
    db,
    `insert into sambatan.webhook_endpoints (endpoint_id, brand_id, url, secret)
    values ($1, $2, $3, $4)`,
    id,
    brandId,
    url,
    secret,
  );
  return { id, secret };
}

/** Inserts a failed delivery of the campaign's first event to a webhook endpoint. */
export async function insertDelivery(
  db: Queryable,
  campaignId: string,
  endpointId: string,
): Promise<string> {
  const id = newId();
  await queryRows(
    db,
    `insert into sambatan.deliveries (campaign_id, delivery_id, channel, endpoint_id, seq, status,
      finished_at)
    values ($1, $2, 'webhook', $3, 1, 'failed', now())`,
    campaignId,
    id,
    endpointId,
  );
  return id;
}
