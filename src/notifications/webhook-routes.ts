import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/pool.ts';
import type { ApiServer } from '../http/api-server.ts';
import { cursorAfter, nextCursor } from '../http/cursor.ts';
import { choice, closed, Id, pageOf, pageQuery, problems } from '../http/schemas.ts';
import { authorize } from '../identity/policy.ts';
import { runInTransaction } from '../operation/run.ts';
import { deliveryStatuses, listDeliveries } from './delivery-queries.ts';
import * as endpoints from './webhook-endpoints.ts';
import {
  deliveryOf,
  DeliverySchema,
  EndpointInput,
  endpointOf,
  EndpointSchema,
  EndpointWithSecretSchema,
} from './schemas.ts';

/** Dependencies of the webhook routes. */
interface WebhookDeps {
  readonly config: Config;
  readonly db: Database;
}

const params = closed({ id: Id });

const tags = ['webhooks'];

/** Webhook routes for integrators and operators: endpoints and their deliveries. */
export function webhookRoutes(app: WebhookDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    endpointListRoutes(server, app);
    oneEndpointRoutes(server, app);
    secretRoute(server, app);
    deliveryRoutes(server, app);
  };
}

/** Routes that add and list endpoints. */
function endpointListRoutes(server: ApiServer, app: WebhookDeps): void {
  const rules = { allowLoopback: app.config.webhooks.allowLoopback };
  server.post(
    '/webhooks',
    {
      schema: {
        tags,
        summary: "Add an endpoint for a brand's events, or (staff) for those of every brand",
        body: closed({
          brand_id: Type.Optional(Id),
          url: EndpointInput.url,
          description: Type.Optional(EndpointInput.description),
          events: Type.Optional(EndpointInput.events),
        }),
        response: {
          201: EndpointWithSecretSchema,
          ...problems(endpoints.createEndpoint),
        },
      },
    },
    async ({ actor, body }, reply) => {
      const { brand_id: brandId = null, url, description = '', events = [] } = body;
      const input = { url, description, events };
      const made = await runInTransaction(app.db, (tx) =>
        endpoints.createEndpoint(tx, actor, brandId, input, rules),
      );
      return reply.code(201).send({ ...endpointOf(made.endpoint), secret: made.secret });
    },
  );

  server.get(
    '/webhooks',
    {
      schema: {
        tags,
        summary: "List a brand's endpoints, or (staff) those without a brand",
        querystring: closed({ brand_id: Type.Optional(Id), ...pageQuery }),
        response: { 200: pageOf(EndpointSchema), ...problems(endpoints.endpointsOf) },
      },
    },
    async ({ actor, query: { brand_id: brandId = null, cursor, limit = 20 } }) => {
      const [last = null] = cursorAfter(cursor, ['id']);
      const page = { brandId, before: last, limit: limit + 1 };
      const rows = await endpoints.endpointsOf(app.db, actor, page);
      const items = rows.slice(0, limit).map(endpointOf);
      return { items, next_cursor: nextCursor(rows, limit, (row) => [row.endpoint_id]) };
    },
  );
}

/** Routes that get, change and delete one endpoint. */
function oneEndpointRoutes(server: ApiServer, app: WebhookDeps): void {
  const rules = { allowLoopback: app.config.webhooks.allowLoopback };
  server.get(
    '/webhooks/:id',
    {
      schema: {
        tags,
        summary: 'Get an endpoint',
        params,
        response: { 200: EndpointSchema, ...problems(endpoints.viewEndpoint) },
      },
    },
    async ({ actor, params: { id } }) =>
      endpointOf(await endpoints.viewEndpoint(app.db, actor, id)),
  );

  server.patch(
    '/webhooks/:id',
    {
      schema: {
        tags,
        summary: 'Change, enable or disable an endpoint',
        params,
        body: Type.Partial(closed({ ...EndpointInput, enabled: Type.Boolean() }), {
          additionalProperties: false,
        }),
        response: {
          200: EndpointSchema,
          ...problems(endpoints.changeEndpoint),
        },
      },
    },
    async ({ actor, body, params: { id } }) =>
      endpointOf(
        await runInTransaction(app.db, (tx) =>
          endpoints.changeEndpoint(tx, actor, id, body, rules),
        ),
      ),
  );

  server.delete(
    '/webhooks/:id',
    {
      schema: {
        tags,
        summary: 'Delete an endpoint and its pending deliveries',
        params,
        response: {
          200: EndpointSchema,
          ...problems(endpoints.removeEndpoint),
        },
      },
    },
    async ({ actor, params: { id } }) =>
      endpointOf(await runInTransaction(app.db, (tx) => endpoints.removeEndpoint(tx, actor, id))),
  );
}

/** Route that rotates the secret of an endpoint. */
function secretRoute(server: ApiServer, app: WebhookDeps): void {
  server.post(
    '/webhooks/:id/rotate',
    {
      schema: {
        tags,
        summary: 'Rotate the secret; the old one stays valid for a day',
        params,
        response: {
          200: EndpointWithSecretSchema,
          ...problems(endpoints.rotateEndpoint),
        },
      },
    },
    async ({ actor, params: { id } }) => {
      const made = await runInTransaction(app.db, (tx) => endpoints.rotateEndpoint(tx, actor, id));
      return { ...endpointOf(made.endpoint), secret: made.secret };
    },
  );
}

/** Routes that list deliveries and send one again. */
function deliveryRoutes(server: ApiServer, app: WebhookDeps): void {
  server.get(
    '/webhooks/:id/deliveries',
    {
      schema: {
        tags,
        summary: 'List the deliveries of an endpoint, newest first',
        params,
        querystring: closed(pageQuery),
        response: { 200: pageOf(DeliverySchema), ...problems(endpoints.deliveriesOf) },
      },
    },
    async ({ actor, params: { id }, query: { cursor, limit = 20 } }) => {
      const [last = null] = cursorAfter(cursor, ['id']);
      const page = { before: last, limit: limit + 1 };
      const rows = await endpoints.deliveriesOf(app.db, actor, id, page);
      const items = rows.slice(0, limit).map(deliveryOf);
      return { items, next_cursor: nextCursor(rows, limit, (row) => [row.delivery_id]) };
    },
  );

  server.get(
    '/deliveries',
    {
      schema: {
        tags,
        summary: 'List e-mails and webhooks in one status, newest first',
        querystring: closed({
          status: Type.Optional(choice(deliveryStatuses)),
          ...pageQuery,
        }),
        response: { 200: pageOf(DeliverySchema), ...problems(authorize) },
      },
    },
    async ({ actor, query: { status = 'failed', cursor, limit = 20 } }) => {
      authorize(actor, 'delivery.read_all');
      const [last = null] = cursorAfter(cursor, ['id']);
      const rows = await app.db.rows(listDeliveries, status, last, limit + 1);
      const items = rows.slice(0, limit).map(deliveryOf);
      return { items, next_cursor: nextCursor(rows, limit, (row) => [row.delivery_id]) };
    },
  );

  server.post(
    '/deliveries/:id/resend',
    {
      schema: {
        tags,
        summary: 'Send a delivery again with the same id',
        params,
        response: {
          200: DeliverySchema,
          ...problems(endpoints.resend),
        },
      },
    },
    async ({ actor, params: { id } }) =>
      deliveryOf(await runInTransaction(app.db, (tx) => endpoints.resend(tx, actor, id))),
  );
}
