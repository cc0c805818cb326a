import { wording } from '../i18n/messages.ts';
import { brandRoleOf, authorizeOnBrand } from '../catalogue/operations.ts';
import type { AuditEvent } from '../audit/events.ts';
import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, invalidField, refusals } from '../errors/errors.ts';
import type { Actor } from '../identity/actor.ts';
import { newId } from '../identity/ids.ts';
import { requireRecentAuth, may, authorize } from '../identity/policy.ts';
import { isAllowedUrl, type AddressRules } from '../http-client/public-addresses.ts';
import {
  findDelivery,
  listEndpointDeliveries,
  resendDelivery,
  type DeliveryRow,
} from './delivery-queries.ts';
import * as sql from './webhooks/queries.ts';
import { newSecret } from './webhooks/webhooks.ts';

/** Maximum number of endpoints per brand, and maximum number of endpoints without a brand. */
export const maxEndpoints = 20;
/** Number of seconds for which the old secret stays valid after it was replaced. */
const keptSeconds = 86_400;

export interface EndpointInput {
  readonly url: string;
  readonly description: string;
  /** The subscribed events; empty means all events. */
  readonly events: readonly AuditEvent[];
}

/** An endpoint with its secret, for the only response that contains the secret. */
export interface WithSecret {
  readonly endpoint: sql.EndpointRow;
  readonly secret: string;
}

/**
 * Checks that the caller may manage a brand's endpoints. The brand's owners and admins have this
 * right, and so do operators and the service. Endpoints without a brand receive the events of all
 * campaigns; only operators and the service may manage them.
 */
async function permitOnEndpoints(
  db: Queryable,
  actor: Actor,
  brandId: string | null,
): Promise<void> {
  if (brandId === null) authorize(actor, 'webhook.manage_all');
  else await authorizeOnBrand(db, actor, 'webhook.manage', brandId);
}
permitOnEndpoints.refusals = refusals(authorize, authorizeOnBrand);

/** Creates an endpoint. */
export async function createEndpoint(
  tx: Tx,
  actor: Actor,
  brandId: string | null,
  input: EndpointInput,
  rules: AddressRules,
): Promise<WithSecret> {
  await permitOnEndpoints(tx, actor, brandId);
  requireRecentAuth(actor);
  checkUrl(input.url, rules);
  await tx.rows(sql.lockEndpoints, brandId);
  const { count } = await tx.one(sql.countEndpoints, brandId);
  if (count >= maxEndpoints) {
    throw new DomainError('webhook_limit_reached', { maximum: maxEndpoints });
  }
  const secret = newSecret();
  const { url, description, events } = input;
  const endpoint = await tx.one(
    sql.insertEndpoint,
    newId(),
    brandId,
    url,
    description.trim(),
    [...events],
    secret,
  );
  return { endpoint, secret };
}
createEndpoint.refusals = refusals(permitOnEndpoints, requireRecentAuth, 'webhook_limit_reached');

/** Returns a page of a brand's endpoints, or of the endpoints without a brand. */
export async function endpointsOf(
  db: Queryable,
  actor: Actor,
  {
    brandId,
    before,
    limit,
  }: { readonly brandId: string | null; readonly before: string | null; readonly limit: number },
): Promise<sql.EndpointRow[]> {
  await permitOnEndpoints(db, actor, brandId);
  return await db.rows(sql.listEndpoints, brandId, before, limit);
}
endpointsOf.refusals = refusals(permitOnEndpoints);

/** Returns a page of an endpoint's deliveries, newest first. */
export async function deliveriesOf(
  db: Queryable,
  actor: Actor,
  endpointId: string,
  { before, limit }: { readonly before: string | null; readonly limit: number },
): Promise<DeliveryRow[]> {
  await viewEndpoint(db, actor, endpointId);
  return await db.rows(listEndpointDeliveries, endpointId, before, limit);
}
deliveriesOf.refusals = refusals(viewEndpoint);

/** Returns one endpoint to callers who may manage it. */
export async function viewEndpoint(
  db: Queryable,
  actor: Actor,
  endpointId: string,
): Promise<sql.EndpointRow> {
  // A visitor gets the same error for every id. So visitors cannot find out which ids exist.
  if (actor.kind === 'visitor') throw new DomainError('unauthenticated', {});
  const endpoint = await db.maybe(sql.findEndpoint, endpointId);
  if (endpoint === undefined || !(await maySee(db, actor, endpoint))) {
    throw new DomainError('webhook_not_found', {});
  }
  return endpoint;
}
viewEndpoint.refusals = refusals('webhook_not_found');

async function maySee(db: Queryable, actor: Actor, endpoint: sql.EndpointRow): Promise<boolean> {
  if (endpoint.brand_id === null) return may(actor, 'webhook.manage_all');
  const brandRole = await brandRoleOf(db, actor, endpoint.brand_id);
  return may(actor, 'webhook.manage', { brandRole });
}

export type EndpointChange = {
  readonly [K in keyof EndpointInput]?: EndpointInput[K] | undefined;
} & { readonly enabled?: boolean | undefined };

/**
 * Changes an endpoint; undefined fields do not change. A disabled endpoint receives nothing, and
 * its pending deliveries are not sent.
 */
export async function changeEndpoint(
  tx: Tx,
  actor: Actor,
  endpointId: string,
  change: EndpointChange,
  rules: AddressRules,
): Promise<sql.EndpointRow> {
  await viewEndpoint(tx, actor, endpointId);
  if (change.url !== undefined) checkUrl(change.url, rules);
  if (change.enabled === false) await disableEndpoint(tx, endpointId, 'switched off');
  return await tx.one(
    sql.updateEndpoint,
    endpointId,
    change.url ?? null,
    change.description?.trim() ?? null,
    change.events === undefined ? null : [...change.events],
    change.enabled === true ? 'enabled' : null,
    null,
  );
}
changeEndpoint.refusals = refusals(viewEndpoint);

/** Deletes an endpoint permanently. */
export async function removeEndpoint(
  tx: Tx,
  actor: Actor,
  endpointId: string,
): Promise<sql.EndpointRow> {
  await viewEndpoint(tx, actor, endpointId);
  await tx.rows(sql.dropDeliveries, endpointId, 'the endpoint was removed');
  return await tx.one(sql.updateEndpoint, endpointId, null, null, null, 'removed', null);
}
removeEndpoint.refusals = refusals(viewEndpoint);

/**
 * Disables an endpoint and drops its pending deliveries. Stores the reason, which is shown to the
 * people who manage the endpoint.
 */
export async function disableEndpoint(tx: Tx, endpointId: string, why: string): Promise<void> {
  await tx.rows(sql.updateEndpoint, endpointId, null, null, null, 'disabled', why);
  await tx.rows(sql.dropDeliveries, endpointId, why);
}

/**
 * Replaces the secret of an endpoint. For one day, webhooks are signed with both the new secret and
 * the old secret.
 */
export async function rotateEndpoint(
  tx: Tx,
  actor: Actor,
  endpointId: string,
): Promise<WithSecret> {
  await viewEndpoint(tx, actor, endpointId);
  requireRecentAuth(actor);
  const secret = newSecret();
  return { endpoint: await tx.one(sql.rotateSecret, endpointId, secret, keptSeconds), secret };
}
rotateEndpoint.refusals = refusals(viewEndpoint, requireRecentAuth);

/**
 * Sends a delivery again with the same id, whatever its status. Only staff may send an e-mail
 * again.
 */
export async function resend(tx: Tx, actor: Actor, deliveryId: string): Promise<DeliveryRow> {
  if (actor.kind === 'visitor') throw new DomainError('unauthenticated', {});
  const delivery = await tx.maybe(findDelivery, deliveryId);
  const hidden = new DomainError('delivery_not_found', {});
  if (delivery === undefined) throw hidden;
  const { endpoint_id: endpointId } = delivery;
  const endpoint = endpointId === null ? undefined : await tx.maybe(sql.findEndpoint, endpointId);
  const isSeen = endpoint ? await maySee(tx, actor, endpoint) : may(actor, 'delivery.read_all');
  if (!isSeen) throw hidden;
  if (endpointId !== null && endpoint === undefined) throw new DomainError('webhook_not_found', {});
  return await tx.one(resendDelivery, delivery.campaign_id, deliveryId);
}
resend.refusals = refusals('delivery_not_found', 'webhook_not_found');

function checkUrl(url: string, rules: AddressRules): void {
  if (isAllowedUrl(url, rules)) return;
  throw invalidField('url', wording('errors.field.webhookUrl'));
}
