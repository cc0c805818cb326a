import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { OperationDeps } from '../operation/deps.ts';
import type { GatewayDeps } from './gateway/operations.ts';
import { nextCursor } from '../http/cursor.ts';
import { choice, closed, Id, pageOf, pageQuery, problems, text } from '../http/schemas.ts';
import { retryRead, runInTransaction } from '../operation/run.ts';
import { spreadsheetType } from '../exports/spreadsheet.ts';
import { openDispute, openDisputes, resolveDispute, viewBooks } from './books.ts';
import {
  failRefund,
  payoutsDue,
  refundsDue,
  refundsKept,
  refundsOf,
  releasePayout,
  reversePayout,
  reverseRefund,
  settlePayout,
  settleRefunds,
} from './movements.ts';
import { refundsCsv, refundsSheet } from './refunds/refunds-file.ts';
import {
  BooksSchema,
  BuyerRefundSchema,
  buyerRefundOf,
  DisputeSchema,
  disputeOf,
  PayoutSchema,
  payoutOf,
  placeOf,
  RefundSchema,
  refundOf,
  refundsFileHeaders,
} from './schemas.ts';

/** What the routes of refunds and payouts use of the running service. */
interface MovementDeps extends OperationDeps {
  readonly payments: GatewayDeps;
}

const params = closed({ id: Id });
const reason = closed({ reason: text(3, 500) });
const reference = text(1, 200);
/** Refunds in one file for a bulk transfer, and in one request that settles them. */
const mostRefunds = 500;

/** Money on its way back to buyers and on to sellers; the books of a campaign. */
export function refundAndPayoutRoutes(app: MovementDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    server.get(
      '/refunds',
      {
        schema: {
          tags: ['money'],
          summary: 'Refunds that are to be made, the oldest first',
          querystring: closed({
            failed: Type.Optional(Type.Boolean({ description: 'Only those that failed' })),
            kept: Type.Optional(
              Type.Boolean({
                description:
                  'Only those that are not to be made: their buyers wait at the head of a waiting list with the money',
              }),
            ),
            ...pageQuery,
          }),
          response: { 200: pageOf(RefundSchema), ...problems('forbidden') },
        },
      },
      async ({ actor, query: { failed: failedOnly = false, kept, cursor, limit = 20 } }) => {
        const wanted = { failedOnly, after: placeOf(cursor), limit: limit + 1 };
        const rows = await retryRead(() =>
          kept === true
            ? refundsKept(app.db, actor, wanted.after, wanted.limit)
            : refundsDue(app.db, actor, app.payments.gateway, wanted),
        );
        return {
          items: rows.slice(0, limit).map(refundOf),
          next_cursor: nextCursor(rows, limit, (row) => [Number(row.position), row.transaction_id]),
        };
      },
    );

    server.get(
      '/participations/:id/refunds',
      {
        schema: {
          tags: ['money'],
          summary: 'What goes back, or went back, to the buyer of a participation',
          description:
            'The newest first. Where `may_wait` is true the buyer may choose the head of the waiting list instead: `POST /refunds/{id}/wait`.',
          params,
          response: {
            200: closed({ items: Type.Array(BuyerRefundSchema) }),
            ...problems('forbidden', 'participation_not_found'),
          },
        },
      },
      async ({ actor, params: { id } }) => ({
        items: (await retryRead(() => refundsOf(app.db, actor, id))).map(buyerRefundOf),
      }),
    );

    server.get(
      '/refunds/export',
      {
        schema: {
          tags: ['money'],
          summary: 'All refunds that are to be made, as a file for a bulk transfer',
          description:
            'CSV with semicolons, for spreadsheets in Indonesia, or Excel with account numbers as text. In the CSV a number that is a name begins with a tab, so that no spreadsheet shortens it. Refunds whose buyer has given no account come last, with what is `missing`.',
          querystring: closed({ format: Type.Optional(choice(['csv', 'xlsx'])) }),
          response: {
            200: {
              description: 'CSV or Excel',
              content: {
                'text/csv': { schema: Type.String() },
                [spreadsheetType]: { schema: Type.String({ format: 'binary' }) },
              },
            },
            ...problems('forbidden', 'installation_held'),
          },
        },
      },
      // The schema says what the stream holds; its type knows of no streams.
      async ({ actor, query: { format = 'csv' } }, reply) => {
        const make = format === 'csv' ? refundsCsv : refundsSheet;
        const file = await make(app.db, actor, app.payments.gateway);
        return reply.headers(refundsFileHeaders[format]).send(file as never);
      },
    );

    server.post(
      '/refunds/settle',
      {
        schema: {
          tags: ['money'],
          summary: 'Refunds were made, with one reference: all of them or none are settled',
          body: closed({
            ids: Type.Array(Id, { minItems: 1, maxItems: mostRefunds }),
            reference,
          }),
          response: {
            200: closed({ items: Type.Array(RefundSchema) }),
            ...problems(
              'forbidden',
              'reauthentication_required',
              'campaign_busy',
              'outcome_unknown',
              'movement_not_found',
              'installation_held',
              'movement_transition_not_allowed',
              'refund_is_kept',
            ),
          },
        },
      },
      async ({ actor, body }) => {
        const ids = body.ids.map((id) => id.toLowerCase());
        const rows = await runInTransaction(app.db, (tx) =>
          settleRefunds(tx, actor, ids, body.reference.trim()),
        );
        return { items: rows.map(refundOf) };
      },
    );

    server.post(
      '/refunds/:id/fail',
      {
        schema: {
          tags: ['money'],
          summary: 'A refund could not be made: it stays due, and its failures are counted',
          params,
          body: reason,
          response: { 200: RefundSchema, ...problems(...movementCodes, 'refund_is_kept') },
        },
      },
      async ({ actor, params: { id }, body }) =>
        refundOf(
          await runInTransaction(app.db, (tx) => failRefund(tx, actor, id, body.reason.trim())),
        ),
    );

    server.post(
      '/refunds/:id/reverse',
      {
        schema: {
          tags: ['money'],
          summary: 'A refund that was made came back: answers with the one due in its place',
          description:
            'Of a refund that was made twice, the claim for the second is settled instead, and is the answer.',
          params,
          body: reason,
          response: { 200: RefundSchema, ...movementProblems },
        },
      },
      async ({ actor, params: { id }, body }) =>
        refundOf(
          await runInTransaction(app.db, (tx) => reverseRefund(tx, actor, id, body.reason.trim())),
        ),
    );

    server.get(
      '/payouts',
      {
        schema: {
          tags: ['money'],
          summary: 'Payouts that are to be made, the oldest first',
          querystring: closed({
            released: Type.Optional(Type.Boolean({ description: 'Only those that may leave' })),
            ...pageQuery,
          }),
          response: { 200: pageOf(PayoutSchema), ...problems('forbidden') },
        },
      },
      async ({ actor, query: { released: releasedOnly = false, cursor, limit = 20 } }) => {
        const wanted = { releasedOnly, after: placeOf(cursor), limit: limit + 1 };
        const rows = await retryRead(() => payoutsDue(app.db, actor, wanted));
        return {
          items: rows.slice(0, limit).map(payoutOf),
          next_cursor: nextCursor(rows, limit, (row) => [Number(row.position), row.transaction_id]),
        };
      },
    );

    server.post(
      '/payouts/:id/release',
      {
        schema: {
          tags: ['money'],
          summary: 'A payout may leave before everybody has received the goods',
          params,
          response: {
            200: PayoutSchema,
            ...problems(
              'forbidden',
              'reauthentication_required',
              'campaign_busy',
              'outcome_unknown',
              'movement_not_found',
              'installation_held',
              'movement_transition_not_allowed',
              'payout_disputed',
              'payout_unsettled',
            ),
          },
        },
      },
      async ({ actor, params: { id } }) =>
        payoutOf(await runInTransaction(app.db, (tx) => releasePayout(tx, actor, id))),
    );

    server.post(
      '/payouts/:id/settle',
      {
        schema: {
          tags: ['money'],
          summary: 'A payout was made',
          params,
          body: closed({ reference }),
          response: {
            200: PayoutSchema,
            ...problems(
              'forbidden',
              'reauthentication_required',
              'campaign_busy',
              'outcome_unknown',
              'movement_not_found',
              'installation_held',
              'movement_transition_not_allowed',
              'payout_not_released',
              'payout_disputed',
              'payout_not_covered',
            ),
          },
        },
      },
      async ({ actor, params: { id }, body }) =>
        payoutOf(
          await runInTransaction(app.db, (tx) =>
            settlePayout(tx, actor, id, body.reference.trim()),
          ),
        ),
    );

    server.post(
      '/payouts/:id/reverse',
      {
        schema: {
          tags: ['money'],
          summary: 'A payout that was made came back: answers with the one due in its place',
          params,
          body: reason,
          response: { 200: PayoutSchema, ...movementProblems },
        },
      },
      async ({ actor, params: { id }, body }) =>
        payoutOf(
          await runInTransaction(app.db, (tx) => reversePayout(tx, actor, id, body.reason.trim())),
        ),
    );

    server.get(
      '/campaigns/:id/books',
      {
        schema: {
          tags: ['money'],
          summary: 'The books of a campaign, which balance to the rupiah',
          params,
          response: { 200: BooksSchema, ...problems('forbidden', 'campaign_not_found') },
        },
      },
      async ({ actor, params: { id } }) => await retryRead(() => viewBooks(app.db, actor, id)),
    );

    server.post(
      '/participations/:id/dispute',
      {
        schema: {
          tags: ['money'],
          summary: 'Something is wrong with what was bought: the payout is held',
          description:
            'What was dismissed may be said once more, with something new, within seven days.',
          params,
          body: reason,
          response: {
            201: DisputeSchema,
            ...problems(
              'forbidden',
              'campaign_busy',
              'outcome_unknown',
              'participation_not_found',
              'participation_transition_not_allowed',
              'dispute_not_paid',
              'dispute_open_already',
              'dispute_decided',
              'dispute_says_nothing_new',
            ),
          },
        },
      },
      async ({ actor, params: { id }, body }, reply) => {
        const dispute = await runInTransaction(app.db, (tx) =>
          openDispute(tx, actor, id, body.reason.trim()),
        );
        return reply.code(201).send(disputeOf(dispute));
      },
    );

    server.get(
      '/disputes',
      {
        schema: {
          tags: ['money'],
          summary: 'Open disputes, the oldest first',
          querystring: closed(pageQuery),
          response: { 200: pageOf(DisputeSchema), ...problems('forbidden') },
        },
      },
      async ({ actor, query: { cursor, limit = 20 } }) => {
        const place = placeOf(cursor);
        const rows = await retryRead(() => openDisputes(app.db, actor, place, limit + 1));
        return {
          items: rows.slice(0, limit).map(disputeOf),
          next_cursor: nextCursor(rows, limit, (row) => [Number(row.position), row.dispute_id]),
        };
      },
    );

    server.post(
      '/disputes/:id/resolve',
      {
        schema: {
          tags: ['money'],
          summary: 'Uphold a dispute, which gives the buyer the money back, or dismiss it',
          params,
          body: closed({
            resolution: choice(['upheld', 'dismissed']),
            explanation: text(3, 500),
          }),
          response: {
            200: DisputeSchema,
            ...problems(
              'forbidden',
              'campaign_busy',
              'outcome_unknown',
              'dispute_not_found',
              'dispute_resolved_already',
              'payout_settled_already',
            ),
          },
        },
      },
      async ({ actor, params: { id }, body: { resolution, explanation } }) => {
        const said = { resolution, explanation: explanation.trim() };
        return disputeOf(
          await runInTransaction(app.db, (tx) => resolveDispute(tx, actor, id, said)),
        );
      },
    );
  };
}

const movementCodes = [
  'forbidden',
  'campaign_busy',
  'outcome_unknown',
  'movement_not_found',
  'movement_transition_not_allowed',
] as const;
const movementProblems = problems(...movementCodes);
