import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { spreadsheetType } from '../../exports/spreadsheet.ts';
import type { ApiServer } from '../../http/api-server.ts';
import { nextCursor } from '../../http/cursor.ts';
import { choice, closed, Id, pageOf, pageQuery, problems, text } from '../../http/schemas.ts';
import type { DatabaseDeps } from '../../database/pool.ts';
import { runInTransaction } from '../../operation/run.ts';
import { parseAgeCursor } from '../entries/cursor.ts';
import {
  failRefund,
  dueRefunds,
  retainedRefunds,
  refundsOf,
  refundsToMake,
  reverseRefund,
  settleRefunds,
  type RefundGateway,
} from './operations.ts';
import { refundsCsv, refundsSheet } from './refunds-file.ts';
import {
  BuyerRefundSchema,
  buyerRefundOf,
  RefundSchema,
  refundOf,
  refundsFileHeaders,
} from './schemas.ts';

/** Dependencies of the refund routes. */
interface RefundDeps extends DatabaseDeps {
  readonly payments: { readonly gateway: RefundGateway };
}

const params = closed({ id: Id });
const reason = closed({ reason: text(3, 500) });
/** Maximum number of refunds that one request may settle. */
const maxRefunds = 500;

/** Routes of refunds to buyers. */
export function refundRoutes(app: RefundDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    listRoutes(server, app);
    exportRoute(server, app);
    settlementRoutes(server, app);
  };
}

/** Routes that list refunds that must be sent, and the refunds of a participation. */
function listRoutes(server: ApiServer, app: RefundDeps): void {
  server.get(
    '/refunds',
    {
      schema: {
        tags: ['money'],
        summary: 'List due refunds, oldest first',
        querystring: closed({
          failed: Type.Optional(Type.Boolean({ description: 'Only failed refunds' })),
          kept: Type.Optional(
            Type.Boolean({
              description:
                'Only refunds that must not be sent: their buyers wait at the head of a waiting list with the money',
            }),
          ),
          ...pageQuery,
        }),
        response: { 200: pageOf(RefundSchema), ...problems(dueRefunds) },
      },
    },
    async ({ actor, query: { failed: failedOnly = false, kept, cursor, limit = 20 } }) => {
      const wanted = { failedOnly, after: parseAgeCursor(cursor), limit: limit + 1 };
      const rows = await (kept === true
        ? retainedRefunds(app.db, actor, wanted.after, wanted.limit)
        : dueRefunds(app.db, actor, app.payments.gateway, wanted));
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
        summary: 'List the due and settled refunds of a participation',
        description:
          'Newest first. If `may_wait` is true the buyer may choose the head of the waiting list instead: `POST /refunds/{id}/wait`.',
        params,
        response: {
          200: closed({ items: Type.Array(BuyerRefundSchema) }),
          ...problems(refundsOf),
        },
      },
    },
    async ({ actor, params: { id } }) => ({
      items: (await refundsOf(app.db, actor, id)).map(buyerRefundOf),
    }),
  );
}

/** Route that exports refunds that must be sent, as a file. */
function exportRoute(server: ApiServer, app: RefundDeps): void {
  server.get(
    '/refunds/export',
    {
      schema: {
        tags: ['money'],
        summary: 'Export all due refunds as a file for a bulk transfer',
        description:
          'CSV with semicolons, for spreadsheets in Indonesia, or Excel with account numbers as text. In the CSV, numeric identifiers begin with a tab, so that no spreadsheet rounds them. Refunds without a bank account come last; `missing` says what is missing.',
        querystring: closed({ format: Type.Optional(choice(['csv', 'xlsx'])) }),
        response: {
          200: {
            description: 'CSV or Excel',
            content: {
              'text/csv': { schema: Type.String() },
              [spreadsheetType]: { schema: Type.String({ format: 'binary' }) },
            },
          },
          ...problems(refundsToMake),
        },
      },
    },
    // The type of the response does not allow streams, so the file needs a cast.
    async ({ actor, query: { format = 'csv' } }, reply) => {
      const make = format === 'csv' ? refundsCsv : refundsSheet;
      const file = await make(app.db, actor, app.payments.gateway);
      return reply.headers(refundsFileHeaders[format]).send(file as never);
    },
  );
}

/** Routes that record that refunds were sent, that one failed, or that the bank returned one. */
function settlementRoutes(server: ApiServer, app: RefundDeps): void {
  server.post(
    '/refunds/settle',
    {
      schema: {
        tags: ['money'],
        summary: 'Settle refunds that were made with one reference, all or none',
        body: closed({
          ids: Type.Array(Id, { minItems: 1, maxItems: maxRefunds }),
          reference: text(1, 200),
        }),
        response: {
          200: closed({ items: Type.Array(RefundSchema) }),
          ...problems(settleRefunds),
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
        summary: 'Record a failed refund: it stays due, with a count of failures',
        params,
        body: reason,
        response: { 200: RefundSchema, ...problems(failRefund) },
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
        summary: 'Reverse a refund that the bank returned; answers with the new due refund',
        description: 'For a duplicate refund, the overpaid refund is settled instead and returned.',
        params,
        body: reason,
        response: { 200: RefundSchema, ...problems(reverseRefund) },
      },
    },
    async ({ actor, params: { id }, body }) =>
      refundOf(
        await runInTransaction(app.db, (tx) => reverseRefund(tx, actor, id, body.reason.trim())),
      ),
  );
}
