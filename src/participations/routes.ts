import { participationStatuses } from '../database/status-words.ts';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { DatabaseDeps } from '../database/pool.ts';
import type { ApiServer } from '../http/api-server.ts';
import { userOf } from '../http/authentication.ts';
import { cursorAfter, nextCursor } from '../http/cursor.ts';
import { choice, closed, Id, pageOf, pageQuery, problems, text } from '../http/schemas.ts';
import { authorize } from '../identity/policy.ts';
import { paymentStates } from '../ledger/payments/payment-state.ts';
import { runInTransaction } from '../operation/run.ts';
import {
  cancelParticipation,
  changeParticipation,
  confirmParticipation,
  fulfilParticipation,
  viewParticipation,
} from './operations.ts';
import { viewOwnParticipations } from './mine.ts';
import { ownParticipationOf } from './participation.ts';
import { JoinFields, ParticipationSchema, OwnParticipationSchema } from './schemas.ts';

const params = closed({ id: Id });

/** Routes of participations: lists, corrections and transitions. */
export function participationRoutes(app: DatabaseDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    readRoutes(server, app);
    buyerRoutes(server, app);
    fulfilmentRoutes(server, app);
  };
}

/** Routes that list and get participations. */
function readRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.get(
    '/participations',
    {
      schema: {
        tags: ['participations'],
        summary: "List the caller's participations, newest first, with the amounts due",
        description:
          'A service names the buyer in `user_id`. A due payment gets its account and unique code here, so `amount_due` is the exact amount to transfer.',
        querystring: closed({
          user_id: Type.Optional({ ...Id, description: 'Required for service callers' }),
          status: Type.Optional(choice(participationStatuses)),
          payment_state: Type.Optional(choice(paymentStates)),
          ...pageQuery,
        }),
        response: { 200: pageOf(OwnParticipationSchema), ...problems(authorize, userOf) },
      },
    },
    async ({ actor, query }) => {
      const caller = authorize(actor, 'participation.join');
      const { user_id: named, status, payment_state: state, cursor, limit = 20 } = query;
      const [before = null] = cursorAfter(cursor, ['id']);
      const rows = await viewOwnParticipations(app.db, caller, userOf(caller, named), {
        statuses: status && [status],
        paymentStates: state && [state],
        before,
        limit: limit + 1,
      });
      return {
        items: rows.slice(0, limit).map(ownParticipationOf),
        next_cursor: nextCursor(rows, limit, (row) => [row.participation_id]),
      };
    },
  );

  server.get(
    '/participations/:id',
    {
      schema: {
        tags: ['participations'],
        summary: 'Get a participation',
        params,
        response: {
          200: ParticipationSchema,
          ...problems(viewParticipation),
        },
      },
    },
    async (request) => await viewParticipation(app.db, request.actor, request.params.id),
  );
}

/** Routes with which a buyer corrects or cancels a participation. */
function buyerRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.patch(
    '/participations/:id',
    {
      schema: {
        tags: ['participations'],
        summary: 'Correct the address, the note or the quantity of a participation',
        description:
          'Address and note: while it is `reserved` or `confirmed`. Fewer slots: while the campaign accepts joins; the payment for them is refunded. For more slots join again.',
        params,
        body: Type.Partial(closed(JoinFields), { additionalProperties: false, minProperties: 1 }),
        response: {
          200: ParticipationSchema,
          ...problems(changeParticipation),
        },
      },
    },
    async (request) => {
      const { quantity, shipping_address: shippingAddress, note } = request.body;
      const change = { quantity, shippingAddress, note };
      const { id } = request.params;
      return await runInTransaction(app.db, (tx) =>
        changeParticipation(tx, request.actor, id, change),
      );
    },
  );

  server.post(
    '/participations/:id/cancel',
    {
      schema: {
        tags: ['participations'],
        summary: 'Cancel a participation and release its slots',
        params,
        body: Type.Optional(closed({ reason: Type.Optional(text(1, 200)) })),
        response: { 200: ParticipationSchema, ...problems(cancelParticipation) },
      },
    },
    async (request) =>
      await runInTransaction(app.db, (tx) =>
        cancelParticipation(
          tx,
          request.actor,
          request.params.id,
          request.body?.reason?.trim() || null,
        ),
      ),
  );
}

/** Routes that confirm and fulfil a participation. */
function fulfilmentRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.post(
    '/participations/:id/confirm',
    {
      schema: {
        tags: ['participations'],
        summary: 'Confirm that the payment was verified',
        params,
        body: Type.Optional(closed({ reference: Type.Optional(text(1, 200)) })),
        response: { 200: ParticipationSchema, ...problems(confirmParticipation) },
      },
    },
    async (request) =>
      await runInTransaction(app.db, (tx) =>
        confirmParticipation(
          tx,
          request.actor,
          request.params.id,
          request.body?.reference?.trim() || null,
        ),
      ),
  );

  server.post(
    '/participations/:id/fulfil',
    {
      schema: {
        tags: ['participations'],
        summary: 'Record that the goods were received',
        params,
        response: {
          200: ParticipationSchema,
          ...problems(fulfilParticipation),
        },
      },
    },
    async (request) =>
      await runInTransaction(app.db, (tx) =>
        fulfilParticipation(tx, request.actor, request.params.id),
      ),
  );
}
