import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { ApiServer } from '../../http/api-server.ts';
import { nextCursor } from '../../http/cursor.ts';
import { closed, Id, pageOf, pageQuery, problems, text } from '../../http/schemas.ts';
import type { DatabaseDeps } from '../../database/pool.ts';
import { runInTransaction } from '../../operation/run.ts';
import { parseAgeCursor } from '../entries/cursor.ts';
import {
  duePayouts,
  payoutsOfBrand,
  releasePayout,
  reversePayout,
  settlePayout,
} from './operations.ts';
import { PayoutSchema, payoutOf } from './schemas.ts';

const params = closed({ id: Id });
const reason = closed({ reason: text(3, 500) });
const reference = text(1, 200);

/** Routes of payouts to sellers. */
export function payoutRoutes(app: DatabaseDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    listRoutes(server, app);
    releaseRoute(server, app);
    settlementRoutes(server, app);
  };
}

/** Routes that list payouts that must be sent, and the payouts to a brand. */
function listRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.get(
    '/payouts',
    {
      schema: {
        tags: ['money'],
        summary: 'List due payouts, oldest first',
        querystring: closed({
          released: Type.Optional(Type.Boolean({ description: 'Only released payouts' })),
          ...pageQuery,
        }),
        response: { 200: pageOf(PayoutSchema), ...problems(duePayouts) },
      },
    },
    async ({ actor, query: { released: releasedOnly = false, cursor, limit = 20 } }) => {
      const wanted = { releasedOnly, after: parseAgeCursor(cursor), limit: limit + 1 };
      const rows = await duePayouts(app.db, actor, wanted);
      return {
        items: rows.slice(0, limit).map(payoutOf),
        next_cursor: nextCursor(rows, limit, (row) => [Number(row.position), row.transaction_id]),
      };
    },
  );

  server.get(
    '/brands/:id/payouts',
    {
      schema: {
        tags: ['money'],
        summary: 'List the payouts to a brand, newest first: due, on their way and settled',
        params,
        querystring: closed(pageQuery),
        response: { 200: pageOf(PayoutSchema), ...problems(payoutsOfBrand) },
      },
    },
    async ({ actor, params: { id }, query: { cursor, limit = 20 } }) => {
      const rows = await payoutsOfBrand(app.db, actor, id, {
        before: parseAgeCursor(cursor),
        limit: limit + 1,
      });
      return {
        items: rows.slice(0, limit).map(payoutOf),
        next_cursor: nextCursor(rows, limit, (row) => [Number(row.position), row.transaction_id]),
      };
    },
  );
}

/** Route that releases a payout early. */
function releaseRoute(server: ApiServer, app: DatabaseDeps): void {
  server.post(
    '/payouts/:id/release',
    {
      schema: {
        tags: ['money'],
        summary: 'Release a payout before all buyers have received the goods',
        params,
        response: {
          200: PayoutSchema,
          ...problems(releasePayout),
        },
      },
    },
    async ({ actor, params: { id } }) =>
      payoutOf(await runInTransaction(app.db, (tx) => releasePayout(tx, actor, id))),
  );
}

/** Routes that record that a payout was sent, or that the bank returned it. */
function settlementRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.post(
    '/payouts/:id/settle',
    {
      schema: {
        tags: ['money'],
        summary: 'Settle a payout that was made',
        params,
        body: closed({ reference }),
        response: {
          200: PayoutSchema,
          ...problems(settlePayout),
        },
      },
    },
    async ({ actor, params: { id }, body }) =>
      payoutOf(
        await runInTransaction(app.db, (tx) => settlePayout(tx, actor, id, body.reference.trim())),
      ),
  );

  server.post(
    '/payouts/:id/reverse',
    {
      schema: {
        tags: ['money'],
        summary: 'Reverse a payout that the bank returned; answers with the new due payout',
        params,
        body: reason,
        response: { 200: PayoutSchema, ...problems(reversePayout) },
      },
    },
    async ({ actor, params: { id }, body }) =>
      payoutOf(
        await runInTransaction(app.db, (tx) => reversePayout(tx, actor, id, body.reason.trim())),
      ),
  );
}
