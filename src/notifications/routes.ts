import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { Config } from '../config/config.ts';
import type { Database } from '../database/pool.ts';
import type { UnsubscribeTokens } from './unsubscribe.ts';
import { userOf } from '../http/authentication.ts';
import { cursorAfter, nextCursor } from '../http/cursor.ts';
import { choice, closed, Id, pageOf, pageQuery, problems, Timestamp } from '../http/schemas.ts';
import type { Actor } from '../identity/actor.ts';
import { authorize, type Action } from '../identity/policy.ts';
import { retryRead, runInTransaction } from '../operation/run.ts';
import { deliveryStatuses, listDeliveries } from './delivery-queries.ts';
import * as endpoints from './webhook-endpoints.ts';
import {
  askReminder,
  dropReminder,
  inboxMessageOf,
  readAllMessages,
  readMessage,
  setTopic,
  settingsOf,
  unreadOf,
  unsubscribe,
} from './operations.ts';
import { listInbox } from './queries.ts';
import {
  deliveryOf,
  DeliverySchema,
  EndpointInput,
  endpointOf,
  EndpointSchema,
  EndpointWithSecretSchema,
  NotificationSchema,
  ofUser,
  TopicSchema,
} from './schemas.ts';
import { topicNames } from './messages/topics.ts';

/** What the routes of notifications and webhooks need from the running service. */
interface NotificationDeps {
  readonly config: Config;
  readonly db: Database;
  readonly unsubscribeTokens: UnsubscribeTokens;
}

const params = closed({ id: Id });
const tags = ['messages'];
const hooks = ['webhooks'];

/** Returns the person of the request: the caller, or the one that the service names. */
function personOf(actor: Actor, action: Action, named: string | undefined): string {
  return userOf(authorize(actor, action), named);
}

/** Routes of notifications: inbox, settings, reminders, one-click unsubscribe. */
export function messageRoutes(app: NotificationDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    server.get(
      '/notifications',
      {
        schema: {
          tags,
          summary: "List the caller's notifications, newest first",
          querystring: closed({ ...ofUser, unread: Type.Optional(Type.Boolean()), ...pageQuery }),
          response: { 200: pageOf(NotificationSchema), ...problems('forbidden') },
        },
      },
      async ({ actor, query }) => {
        const userId = personOf(actor, 'notification.read', query.user_id);
        const { cursor, limit = 20, unread = false } = query;
        const [last = null] = cursorAfter(cursor, ['id']);
        const rows = await retryRead(() => app.db.rows(listInbox, userId, unread, last, limit + 1));
        const items = rows.slice(0, limit).map((row) => inboxMessageOf(row));
        const next = nextCursor(rows, limit, (row) => [row.notification_id]);
        return { items: items.map(mutable), next_cursor: next };
      },
    );

    server.get(
      '/notifications/unread',
      {
        schema: {
          tags,
          summary: 'Count unread notifications, at most 1,000',
          querystring: closed(ofUser),
          response: { 200: closed({ unread: Type.Integer() }), ...problems('forbidden') },
        },
      },
      async ({ actor, query }) => {
        const userId = personOf(actor, 'notification.read', query.user_id);
        return { unread: await retryRead(() => unreadOf(app.db, userId)) };
      },
    );

    server.post(
      '/notifications/read',
      {
        schema: {
          tags,
          summary: 'Mark notifications as read: all, or those up to one',
          body: Type.Optional(closed({ ...ofUser, up_to: Type.Optional(Id) })),
          response: {
            200: closed({ read: Type.Integer() }),
            ...problems('forbidden', 'outcome_unknown'),
          },
        },
      },
      async ({ actor, body }) => {
        const userId = personOf(actor, 'notification.read', body?.user_id);
        const upTo = body?.up_to?.toLowerCase() ?? null;
        return { read: await runInTransaction(app.db, (tx) => readAllMessages(tx, userId, upTo)) };
      },
    );

    server.post(
      '/notifications/:id/read',
      {
        schema: {
          tags,
          summary: 'Mark a notification as read',
          params,
          body: Type.Optional(closed(ofUser)),
          response: {
            200: closed({ id: Id, read_at: Timestamp }),
            ...problems('forbidden', 'notification_not_found', 'outcome_unknown'),
          },
        },
      },
      async ({ actor, body, params: { id } }) => {
        const userId = personOf(actor, 'notification.read', body?.user_id);
        return await runInTransaction(app.db, (tx) => readMessage(tx, userId, id));
      },
    );

    server.get(
      '/notifications/settings',
      {
        schema: {
          tags,
          summary: 'Get the notification settings',
          querystring: closed(ofUser),
          response: { 200: closed({ items: Type.Array(TopicSchema) }), ...problems('forbidden') },
        },
      },
      async ({ actor, query }) => {
        const userId = personOf(actor, 'notification.settings', query.user_id);
        return { items: await retryRead(() => settingsOf(app.db, userId)) };
      },
    );

    server.put(
      '/notifications/settings/:topic',
      {
        schema: {
          tags,
          summary: 'Change the notification settings of a topic',
          params: closed({ topic: choice(topicNames) }),
          body: closed({
            ...ofUser,
            email: Type.Optional(Type.Boolean()),
            in_app: Type.Optional(Type.Boolean()),
          }),
          response: { 200: TopicSchema, ...problems('forbidden', 'outcome_unknown') },
        },
      },
      async ({ actor, body, params: { topic } }) => {
        const userId = personOf(actor, 'notification.settings', body.user_id);
        const change = { email: body.email, inApp: body.in_app };
        return await runInTransaction(app.db, (tx) => setTopic(tx, userId, topic, change));
      },
    );

    server.put(
      '/campaigns/:id/reminder',
      {
        schema: {
          tags,
          summary: 'Set reminders a day and an hour before the deadline',
          params,
          body: Type.Optional(closed(ofUser)),
          response: {
            200: closed({ at: Type.Array(Timestamp) }),
            ...problems('forbidden', 'campaign_not_found', 'outcome_unknown'),
          },
        },
      },
      async ({ actor, body, params: { id } }) => {
        const person = () => personOf(actor, 'reminder.ask', body?.user_id);
        return { at: await runInTransaction(app.db, (tx) => askReminder(tx, actor, id, person)) };
      },
    );

    server.delete(
      '/campaigns/:id/reminder',
      {
        schema: {
          tags,
          summary: 'Delete the reminders of a deadline',
          params,
          body: Type.Optional(closed(ofUser)),
          response: {
            200: closed({ at: Type.Array(Timestamp) }),
            ...problems('forbidden', 'campaign_not_found', 'outcome_unknown'),
          },
        },
      },
      async ({ actor, body, params: { id } }) => {
        const person = () => personOf(actor, 'reminder.ask', body?.user_id);
        await runInTransaction(app.db, (tx) => dropReminder(tx, actor, id, person));
        return { at: [] };
      },
    );

    await server.register(oneClick(app));
  };
}

/**
 * One-click unsubscribe of mail programs (RFC 8058); the token alone identifies the subscription.
 */
function oneClick(app: NotificationDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    server.addContentTypeParser(
      ['application/x-www-form-urlencoded', 'multipart/form-data'],
      { parseAs: 'buffer' },
      (_request, _body, done) => done(null, undefined),
    );
    server.post(
      '/unsubscribe/:token',
      {
        config: { idempotency: 'none' },
        schema: {
          tags,
          summary: 'Unsubscribe by the link of an e-mail, without signing in',
          params: closed({ token: Type.String({ maxLength: 300, pattern: '^[\\w.-]+$' }) }),
          response: { 200: TopicSchema, ...problems('link_not_valid', 'outcome_unknown') },
        },
      },
      async ({ params: { token } }) =>
        await runInTransaction(app.db, (tx) => unsubscribe(tx, app.unsubscribeTokens, token)),
    );
  };
}

/** Webhook routes for integrators and operators: endpoints and their deliveries. */
export function webhookRoutes(app: NotificationDeps): FastifyPluginAsyncTypebox {
  const rules = { allowLoopback: app.config.webhooks.allowLoopback };
  return async (server) => {
    server.post(
      '/webhooks',
      {
        schema: {
          tags: hooks,
          summary: "Add an endpoint for a brand's events, or (staff) for those of every brand",
          body: closed({
            brand_id: Type.Optional(Id),
            url: EndpointInput.url,
            description: Type.Optional(EndpointInput.description),
            events: Type.Optional(EndpointInput.events),
          }),
          response: {
            201: EndpointWithSecretSchema,
            ...problems(
              'forbidden',
              'reauthentication_required',
              'brand_not_found',
              'webhook_limit_reached',
              'outcome_unknown',
            ),
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
          tags: hooks,
          summary: "List a brand's endpoints, or (staff) those without a brand",
          querystring: closed({ brand_id: Type.Optional(Id), ...pageQuery }),
          response: { 200: pageOf(EndpointSchema), ...problems('forbidden', 'brand_not_found') },
        },
      },
      async ({ actor, query: { brand_id: brandId = null, cursor, limit = 20 } }) => {
        const [last = null] = cursorAfter(cursor, ['id']);
        const wish = { brandId, before: last, limit: limit + 1 };
        const rows = await retryRead(() => endpoints.endpointsOf(app.db, actor, wish));
        const items = rows.slice(0, limit).map(endpointOf);
        return { items, next_cursor: nextCursor(rows, limit, (row) => [row.endpoint_id]) };
      },
    );

    server.get(
      '/webhooks/:id',
      {
        schema: {
          tags: hooks,
          summary: 'Get an endpoint',
          params,
          response: { 200: EndpointSchema, ...problems('webhook_not_found') },
        },
      },
      async ({ actor, params: { id } }) =>
        endpointOf(await retryRead(() => endpoints.viewEndpoint(app.db, actor, id))),
    );

    server.patch(
      '/webhooks/:id',
      {
        schema: {
          tags: hooks,
          summary: 'Change, enable or disable an endpoint',
          params,
          body: Type.Partial(closed({ ...EndpointInput, enabled: Type.Boolean() }), {
            additionalProperties: false,
          }),
          response: {
            200: EndpointSchema,
            ...problems('webhook_not_found', 'outcome_unknown'),
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
          tags: hooks,
          summary: 'Delete an endpoint and its pending deliveries',
          params,
          response: {
            200: EndpointSchema,
            ...problems('webhook_not_found', 'outcome_unknown'),
          },
        },
      },
      async ({ actor, params: { id } }) =>
        endpointOf(await runInTransaction(app.db, (tx) => endpoints.removeEndpoint(tx, actor, id))),
    );

    server.post(
      '/webhooks/:id/rotate',
      {
        schema: {
          tags: hooks,
          summary: 'Rotate the secret; the old one stays valid for a day',
          params,
          response: {
            200: EndpointWithSecretSchema,
            ...problems('reauthentication_required', 'webhook_not_found', 'outcome_unknown'),
          },
        },
      },
      async ({ actor, params: { id } }) => {
        const made = await runInTransaction(app.db, (tx) =>
          endpoints.rotateEndpoint(tx, actor, id),
        );
        return { ...endpointOf(made.endpoint), secret: made.secret };
      },
    );

    server.get(
      '/webhooks/:id/deliveries',
      {
        schema: {
          tags: hooks,
          summary: 'List the deliveries of an endpoint, newest first',
          params,
          querystring: closed(pageQuery),
          response: { 200: pageOf(DeliverySchema), ...problems('webhook_not_found') },
        },
      },
      async ({ actor, params: { id }, query: { cursor, limit = 20 } }) => {
        const [last = null] = cursorAfter(cursor, ['id']);
        const wish = { before: last, limit: limit + 1 };
        const rows = await retryRead(() => endpoints.deliveriesOf(app.db, actor, id, wish));
        const items = rows.slice(0, limit).map(deliveryOf);
        return { items, next_cursor: nextCursor(rows, limit, (row) => [row.delivery_id]) };
      },
    );

    server.get(
      '/deliveries',
      {
        schema: {
          tags: hooks,
          summary: 'List e-mails and webhooks in one status, newest first',
          querystring: closed({
            status: Type.Optional(choice(deliveryStatuses)),
            ...pageQuery,
          }),
          response: { 200: pageOf(DeliverySchema), ...problems('forbidden') },
        },
      },
      async ({ actor, query: { status = 'failed', cursor, limit = 20 } }) => {
        authorize(actor, 'delivery.read_all');
        const [last = null] = cursorAfter(cursor, ['id']);
        const rows = await retryRead(() => app.db.rows(listDeliveries, status, last, limit + 1));
        const items = rows.slice(0, limit).map(deliveryOf);
        return { items, next_cursor: nextCursor(rows, limit, (row) => [row.delivery_id]) };
      },
    );

    server.post(
      '/deliveries/:id/resend',
      {
        schema: {
          tags: hooks,
          summary: 'Send a delivery again with the same id',
          params,
          response: {
            200: DeliverySchema,
            ...problems('delivery_not_found', 'webhook_not_found', 'outcome_unknown'),
          },
        },
      },
      async ({ actor, params: { id } }) =>
        deliveryOf(await runInTransaction(app.db, (tx) => endpoints.resend(tx, actor, id))),
    );
  };
}

/** The schema's arrays are mutable; the domain's are read-only. */
function mutable(message: ReturnType<typeof inboxMessageOf>) {
  return { ...message, paragraphs: [...message.paragraphs] };
}
