import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { viewCampaign } from '../campaigns/operations.ts';
import type { DatabaseDeps } from '../database/pool.ts';
import type { ApiServer } from '../http/api-server.ts';
import { idempotencyKeyOf, userOf } from '../http/authentication.ts';
import { cursorAfter, nextCursor } from '../http/cursor.ts';
import {
  choice,
  closed,
  Id,
  idempotencyKeyHeader,
  pageOf,
  pageQuery,
  problems,
} from '../http/schemas.ts';
import { authorize } from '../identity/policy.ts';
import { runInTransaction } from '../operation/run.ts';
import {
  acceptOffer,
  declineOffer,
  listWaiting,
  viewOwnWaitingEntry,
  viewWaitingEntry,
  waitForSlots,
  waitInsteadOfRefund,
  withdrawEntry,
} from './operations.ts';
import { JoinFields } from '../participations/schemas.ts';
import { waitingStatuses } from './status.ts';
import { listedEntryOf } from './waiting.ts';
import { ListedEntrySchema, WaitingEntrySchema } from './schemas.ts';

const params = closed({ id: Id });

/** Routes of the waiting list and its offers. */
export function waitingRoutes(app: DatabaseDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    waitRoute(server, app);
    viewRoutes(server, app);
    offerRoutes(server, app);
    refundRoute(server, app);
  };
}

/** Route that joins the waiting list of a campaign. */
function waitRoute(server: ApiServer, app: DatabaseDeps): void {
  server.post(
    '/campaigns/:id/waiting',
    {
      config: { idempotency: 'own' },
      schema: {
        tags: ['waiting'],
        summary: 'Join the waiting list of a full campaign',
        description:
          'Free slots are offered in order of arrival, to the first entry that asks for no more than are free; an entry that asks for more is overtaken at most three times. An offer reserves its slots until `offer_expires_at`. With an Idempotency-Key a repeated request returns the same entry in its current state; refusals are not stored.',
        params,
        headers: idempotencyKeyHeader,
        body: closed({
          user_id: Type.Optional({
            ...Id,
            description: 'The buyer; required for service callers',
          }),
          ...JoinFields,
        }),
        response: {
          201: WaitingEntrySchema,
          ...problems(authorize, userOf, waitForSlots),
        },
      },
    },
    async (request, reply) => {
      const { user_id, quantity, shipping_address, note } = request.body;
      const caller = authorize(request.actor, 'waiting.join');
      const input = {
        userId: userOf(caller, user_id),
        quantity,
        shippingAddress: shipping_address,
        note: note ?? undefined,
        key: idempotencyKeyOf(request),
      };
      const { id } = request.params;
      const entry = await runInTransaction(app.db, (tx) => waitForSlots(tx, caller, id, input));
      return reply.code(201).send(entry);
    },
  );
}

/** Routes that list waiting entries and get one. */
function viewRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.get(
    '/campaigns/:id/waiting',
    {
      schema: {
        tags: ['waiting'],
        summary: 'List the waiting list in order of arrival; for the seller and operators',
        params,
        querystring: closed({ status: Type.Optional(choice(waitingStatuses)), ...pageQuery }),
        response: {
          200: pageOf(ListedEntrySchema),
          ...problems(listWaiting),
        },
      },
    },
    async ({ actor, params: { id }, query: { status = null, cursor, limit = 20 } }) => {
      const [last = 0] = cursorAfter(cursor, ['number']);
      const page = { status, after: BigInt(last), limit };
      const rows = await listWaiting(app.db, actor, id, page);
      const items = rows.slice(0, limit).map(listedEntryOf);
      return { items, next_cursor: nextCursor(rows, limit, (row) => [Number(row.position)]) };
    },
  );

  server.get(
    '/campaigns/:id/waiting/mine',
    {
      schema: {
        tags: ['waiting'],
        summary: "Get the caller's current or last entry of a waiting list",
        params,
        querystring: closed({
          user_id: Type.Optional({
            ...Id,
            description: 'The buyer; required for service callers',
          }),
        }),
        response: {
          200: WaitingEntrySchema,
          ...problems(authorize, userOf, viewCampaign, viewOwnWaitingEntry),
        },
      },
    },
    async ({ actor, params: { id }, query }) => {
      const caller = authorize(actor, 'waiting.join');
      await viewCampaign(app.db, caller, id);
      return await viewOwnWaitingEntry(app.db, id, userOf(caller, query.user_id));
    },
  );

  server.get(
    '/waiting/:id',
    {
      schema: {
        tags: ['waiting'],
        summary: 'Get a waiting-list entry',
        params,
        response: {
          200: WaitingEntrySchema,
          ...problems(viewWaitingEntry),
        },
      },
    },
    async ({ actor, params: { id } }) => await viewWaitingEntry(app.db, actor, id),
  );
}

/** Routes that accept or decline an offer, or withdraw an entry. */
function offerRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.post(
    '/waiting/:id/accept',
    {
      schema: {
        tags: ['waiting'],
        summary: 'Accept an offer',
        description:
          'Creates a participation like a join; a repeated request returns the same one.',
        params,
        response: {
          200: WaitingEntrySchema,
          ...problems(acceptOffer),
        },
      },
    },
    async ({ actor, params: { id } }) =>
      await runInTransaction(app.db, (tx) => acceptOffer(tx, actor, id)),
  );

  server.post(
    '/waiting/:id/decline',
    {
      schema: {
        tags: ['waiting'],
        summary: 'Decline an offer',
        params,
        response: { 200: WaitingEntrySchema, ...problems(declineOffer) },
      },
    },
    async ({ actor, params: { id } }) =>
      await runInTransaction(app.db, (tx) => declineOffer(tx, actor, id)),
  );

  server.post(
    '/waiting/:id/withdraw',
    {
      schema: {
        tags: ['waiting'],
        summary: 'Withdraw from the waiting list',
        params,
        response: { 200: WaitingEntrySchema, ...problems(withdrawEntry) },
      },
    },
    async ({ actor, params: { id } }) =>
      await runInTransaction(app.db, (tx) => withdrawEntry(tx, actor, id)),
  );
}

/** Route with which a buyer chooses the front of the waiting list instead of a refund. */
function refundRoute(server: ApiServer, app: DatabaseDeps): void {
  server.post(
    '/refunds/:id/wait',
    {
      schema: {
        tags: ['money'],
        summary: 'Replace a refund by an entry at the head of the waiting list',
        description:
          'For a refund with `may_wait` (see /participations/{id}/refunds): the money was paid in time but recorded after its slots went to others. It is kept for the same number of slots and pays for them as soon as they are free, which creates a confirmed participation, `participation_id`. To get the money back, withdraw the entry; the refund is also due again when the entry ends in any other way. A repeated request returns the same entry.',
        params,
        response: {
          201: WaitingEntrySchema,
          ...problems(waitInsteadOfRefund),
        },
      },
    },
    async ({ actor, params: { id } }, reply) => {
      const entry = await runInTransaction(app.db, (tx) => waitInsteadOfRefund(tx, actor, id));
      return reply.code(201).send(entry);
    },
  );
}
