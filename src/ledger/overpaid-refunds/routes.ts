import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { DatabaseDeps } from '../../database/pool.ts';
import { nextCursor } from '../../http/cursor.ts';
import { closed, Id, pageOf, pageQuery, problems, text } from '../../http/schemas.ts';
import { runInTransaction } from '../../operation/run.ts';
import { writeOffOverpaidRefund, openOverpaidRefunds, settleOverpaidRefund } from './operations.ts';
import { overpaidRefundOf, OverpaidRefundSchema } from './schemas.ts';
import { parseAgeCursor } from '../entries/cursor.ts';

const params = closed({ id: Id });
/** Routes of overpaid refunds. */
export function overpaidRefundRoutes(app: DatabaseDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    server.get(
      '/claims',
      {
        schema: {
          tags: ['money'],
          summary: 'List overpaid refunds, oldest first',
          querystring: closed(pageQuery),
          response: { 200: pageOf(OverpaidRefundSchema), ...problems(openOverpaidRefunds) },
        },
      },
      async ({ actor, query: { cursor, limit = 20 } }) => {
        const place = parseAgeCursor(cursor);
        const rows = await openOverpaidRefunds(app.db, actor, place, limit + 1);
        return {
          items: rows.slice(0, limit).map(overpaidRefundOf),
          next_cursor: nextCursor(rows, limit, (row) => [Number(row.position), row.transaction_id]),
        };
      },
    );

    server.post(
      '/claims/:id/settle',
      {
        schema: {
          tags: ['money'],
          summary: 'Settle an overpaid refund that the buyer returned, also after a write-off',
          params,
          body: closed({ reference: text(1, 200) }),
          response: {
            200: OverpaidRefundSchema,
            ...problems(settleOverpaidRefund),
          },
        },
      },
      async ({ actor, params: { id }, body }) => {
        const row = await runInTransaction(app.db, (tx) =>
          settleOverpaidRefund(tx, actor, id, body.reference.trim()),
        );
        return overpaidRefundOf(row);
      },
    );

    server.post(
      '/claims/:id/give-up',
      {
        schema: {
          tags: ['money'],
          summary: 'Write off an overpaid refund as a loss of the platform',
          params,
          body: closed({ reason: text(3, 500) }),
          response: { 200: OverpaidRefundSchema, ...problems(writeOffOverpaidRefund) },
        },
      },
      async ({ actor, params: { id }, body }) => {
        const row = await runInTransaction(app.db, (tx) =>
          writeOffOverpaidRefund(tx, actor, id, body.reason.trim()),
        );
        return overpaidRefundOf(row);
      },
    );
  };
}
