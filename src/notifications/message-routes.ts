import { refusals } from '../errors/errors.ts';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { Database } from '../database/pool.ts';
import type { UnsubscribeTokens } from './unsubscribe.ts';
import type { ApiServer } from '../http/api-server.ts';
import { userOf } from '../http/authentication.ts';
import { cursorAfter, nextCursor } from '../http/cursor.ts';
import { choice, closed, Id, pageOf, pageQuery, problems, Timestamp } from '../http/schemas.ts';
import type { Actor } from '../identity/actor.ts';
import { authorize, type Action } from '../identity/policy.ts';
import { runInTransaction } from '../operation/run.ts';
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
import { NotificationSchema, ofUser, TopicSchema } from './schemas.ts';
import { topicNames } from './messages/topics.ts';
import { listInbox } from './inbox-queries.ts';

/** Dependencies of the notification routes. */
interface MessageDeps {
  readonly db: Database;
  readonly unsubscribeTokens: UnsubscribeTokens;
}

const params = closed({ id: Id });

const tags = ['messages'];

/**
 * Returns the id of the person whose notifications the request is about: the caller, or the person
 * that the service names.
 */
function personOf(actor: Actor, action: Action, named: string | undefined): string {
  return userOf(authorize(actor, action), named);
}
personOf.refusals = refusals(authorize, userOf);

/** Routes of notifications: inbox, settings, reminders, one-click unsubscribe. */
export function messageRoutes(app: MessageDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    inboxRoutes(server, app);
    readRoutes(server, app);
    settingsRoutes(server, app);
    reminderRoutes(server, app);
    await server.register(oneClick(app));
  };
}

/** Routes that list and count the caller's notifications. */
function inboxRoutes(server: ApiServer, app: MessageDeps): void {
  server.get(
    '/notifications',
    {
      schema: {
        tags,
        summary: "List the caller's notifications, newest first",
        querystring: closed({ ...ofUser, unread: Type.Optional(Type.Boolean()), ...pageQuery }),
        response: { 200: pageOf(NotificationSchema), ...problems(personOf) },
      },
    },
    async ({ actor, query }) => {
      const userId = personOf(actor, 'notification.read', query.user_id);
      const { cursor, limit = 20, unread = false } = query;
      const [last = null] = cursorAfter(cursor, ['id']);
      const rows = await app.db.rows(listInbox, userId, unread, last, limit + 1);
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
        response: { 200: closed({ unread: Type.Integer() }), ...problems(personOf) },
      },
    },
    async ({ actor, query }) => {
      const userId = personOf(actor, 'notification.read', query.user_id);
      return { unread: await unreadOf(app.db, userId) };
    },
  );
}

/** Routes that mark notifications as read. */
function readRoutes(server: ApiServer, app: MessageDeps): void {
  server.post(
    '/notifications/read',
    {
      schema: {
        tags,
        summary: 'Mark notifications as read: all, or those up to one',
        body: Type.Optional(closed({ ...ofUser, up_to: Type.Optional(Id) })),
        response: {
          200: closed({ read: Type.Integer() }),
          ...problems(personOf),
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
          ...problems(personOf, readMessage),
        },
      },
    },
    async ({ actor, body, params: { id } }) => {
      const userId = personOf(actor, 'notification.read', body?.user_id);
      return await runInTransaction(app.db, (tx) => readMessage(tx, userId, id));
    },
  );
}

/** Routes of the caller's notification settings. */
function settingsRoutes(server: ApiServer, app: MessageDeps): void {
  server.get(
    '/notifications/settings',
    {
      schema: {
        tags,
        summary: 'Get the notification settings',
        querystring: closed(ofUser),
        response: { 200: closed({ items: Type.Array(TopicSchema) }), ...problems(personOf) },
      },
    },
    async ({ actor, query }) => {
      const userId = personOf(actor, 'notification.settings', query.user_id);
      return { items: await settingsOf(app.db, userId) };
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
        response: { 200: TopicSchema, ...problems(personOf) },
      },
    },
    async ({ actor, body, params: { topic } }) => {
      const userId = personOf(actor, 'notification.settings', body.user_id);
      const change = { email: body.email, inApp: body.in_app };
      return await runInTransaction(app.db, (tx) => setTopic(tx, userId, topic, change));
    },
  );
}

/** Routes of the caller's reminders of a deadline. */
function reminderRoutes(server: ApiServer, app: MessageDeps): void {
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
          ...problems(personOf, askReminder),
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
          ...problems(personOf, dropReminder),
        },
      },
    },
    async ({ actor, body, params: { id } }) => {
      const person = () => personOf(actor, 'reminder.ask', body?.user_id);
      await runInTransaction(app.db, (tx) => dropReminder(tx, actor, id, person));
      return { at: [] };
    },
  );
}

/**
 * Route for the one-click unsubscribe of mail programs (RFC 8058). It needs no sign-in: the token
 * alone identifies the subscription.
 */
function oneClick(app: MessageDeps): FastifyPluginAsyncTypebox {
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
          response: { 200: TopicSchema, ...problems(unsubscribe) },
        },
      },
      async ({ params: { token } }) =>
        await runInTransaction(app.db, (tx) => unsubscribe(tx, app.unsubscribeTokens, token)),
    );
  };
}

/** Converts read-only arrays to mutable ones, because the schema's type has mutable arrays. */
function mutable(message: ReturnType<typeof inboxMessageOf>) {
  return { ...message, paragraphs: [...message.paragraphs] };
}
