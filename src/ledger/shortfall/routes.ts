import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { DatabaseDeps } from '../../database/pool.ts';
import { closed, Id, problems, Rupiah, text } from '../../http/schemas.ts';
import { runInTransaction, preview } from '../../operation/run.ts';
import { declareShortfall, previewShortfall } from './operations.ts';
import { viewBooks } from '../books/operations.ts';
import { BooksSchema } from '../books/schemas.ts';
import { slotsDelivered } from './schemas.ts';

const params = closed({ id: Id });

const ShortfallPreviewSchema = closed(
  {
    slots_before: Type.Integer({ description: 'Slots to be delivered now' }),
    slots_after: Type.Integer(),
    buyers_in_full: Type.Integer({ description: 'Participations that keep all their slots' }),
    buyers_with_less: Type.Integer({ description: 'Participations that lose slots' }),
    refunds: Type.Integer(),
    refund_total: Rupiah,
    payout: Type.Unsafe<bigint>({
      ...Rupiah,
      description: 'The value of the delivered slots for the seller in whole rupiah, after the fee',
    }),
  },
  { title: 'ShortfallPreview' },
);

/** Routes to declare and preview a shortfall. */
export function shortfallRoutes(app: DatabaseDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    server.post(
      '/campaigns/:id/shortfall',
      {
        schema: {
          tags: ['money'],
          summary: 'Declare a shortfall: a completed campaign delivers fewer slots than it sold',
          description:
            'The buyers who joined first get their slots; the others are refunded, and the payout is reduced.',
          params,
          body: closed({ slots: slotsDelivered, reason: text(3, 500) }),
          response: {
            200: closed({ refunds: Rupiah, books: BooksSchema }),
            ...problems(declareShortfall),
          },
        },
      },
      async ({ actor, params: { id }, body: { slots, reason } }) => {
        const input = { slots, reason: reason.trim() };
        const refunds = await runInTransaction(app.db, (tx) =>
          declareShortfall(tx, actor, id, input),
        );
        return { refunds, books: await viewBooks(app.db, actor, id) };
      },
    );

    server.post(
      '/campaigns/:id/shortfall/preview',
      {
        config: { idempotency: 'preview' },
        schema: {
          tags: ['money'],
          summary: 'Preview a shortfall; changes nothing',
          params,
          body: closed({ slots: slotsDelivered }),
          response: { 200: ShortfallPreviewSchema, ...problems(previewShortfall) },
        },
      },
      async ({ actor, params: { id }, body: { slots } }) => {
        const { range, sums } = await preview(app.db, (tx) =>
          previewShortfall(tx, actor, id, slots),
        );
        return {
          slots_before: Number(range.delivered),
          slots_after: slots,
          buyers_in_full: Number(sums.unaffected),
          buyers_with_less: Number(sums.affected),
          refunds: Number(sums.refunds),
          refund_total: sums.amount,
          payout: sums.payout,
        };
      },
    );
  };
}
