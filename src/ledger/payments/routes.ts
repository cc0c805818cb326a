import { paymentOf } from './payment.ts';
import { openPayments } from './operations.ts';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { DatabaseDeps } from '../../database/pool.ts';
import type { ApiServer } from '../../http/api-server.ts';
import { cursorAfter, nextCursor } from '../../http/cursor.ts';
import { choice, closed, Id, pageOf, pageQuery, problems, text } from '../../http/schemas.ts';
import { runInTransaction } from '../../operation/run.ts';
import {
  authorizeProof,
  rejectPayment,
  submitProof,
  verifyPayment,
  viewPayment,
  viewProof,
  writeOffPayment,
} from './operations.ts';
import { proofLimitBytes, readProof } from './proofs.ts';
import { PaymentSchema, proofHeaders, ReceivedSchema } from './schemas.ts';
import { acceptFiles } from '../../http/body-parsers.ts';

/** Dependencies of the payment routes. */
interface PaymentDeps extends DatabaseDeps {
  /** The provider, if online payments are configured. */
  readonly payments: { readonly gateway: object | undefined };
}

const params = closed({ id: Id });
// Some phones send JPEG pictures with the media type image/jpg. HEIC is accepted here so that the
// error message can explain to the buyer what to do.
const pictures = [
  'image/jpeg',
  'image/jpg',
  'image/pjpeg',
  'image/heic',
  'image/heif',
  'image/png',
  'image/webp',
  'application/pdf',
];
const Bytes = Type.Unsafe<Buffer>({ description: 'The file itself' });

/** Routes of payments: view, proof, verification, rejection, write-off and lists. */
export function paymentRoutes(app: PaymentDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    amountDueRoute(server, app);
    await proofRoutes(server, app);
    verificationRoute(server, app);
    rejectionRoutes(server, app);
    paymentListRoute(server, app);
  };
}

/** Route that returns the payment of a participation. */
function amountDueRoute(server: ApiServer, app: PaymentDeps): void {
  const paysOnline = app.payments.gateway !== undefined;
  server.get(
    '/participations/:id/payment',
    {
      schema: {
        tags: ['money'],
        summary: 'Get the payment of a participation: amount, receiving account and due time',
        description:
          'Transfer exactly `total`: its last digits identify the payment. The first request assigns them. If `account` is null no transfer is possible; pay with `POST /participations/{id}/pay-online`.',
        params,
        response: {
          200: PaymentSchema,
          ...problems(
            // The first view creates the payment, so this GET request writes, and its commit may
            // fail.
            viewPayment,
            'outcome_unknown',
          ),
        },
      },
    },
    async ({ actor, params: { id } }) =>
      await runInTransaction(app.db, (tx) => viewPayment(tx, actor, id, paysOnline)),
  );
}

/** Routes that get and upload the proof of a payment. */
async function proofRoutes(server: ApiServer, app: PaymentDeps): Promise<void> {
  server.get(
    '/participations/:id/proof',
    {
      schema: {
        tags: ['money'],
        summary: 'Get the latest proof of payment',
        params,
        response: {
          200: {
            description: 'A picture, or a PDF as an attachment',
            content: { 'image/webp': { schema: Bytes }, 'application/pdf': { schema: Bytes } },
          },
          ...problems(viewProof),
        },
      },
    },
    async ({ actor, params: { id } }, reply) => {
      const { contentType, content } = await viewProof(app.db, actor, id);
      return reply.headers(proofHeaders(id, contentType)).send(content);
    },
  );

  await server.register(async (uploads) => {
    acceptFiles(uploads, pictures);
    uploads.post(
      '/participations/:id/proof',
      {
        bodyLimit: proofLimitBytes,
        schema: {
          tags: ['money'],
          summary: 'Upload a proof of payment: a JPEG, PNG, WebP or PDF as the body',
          params,
          body: {
            content: Object.fromEntries(pictures.map((type) => [type, { schema: Bytes }])),
          },
          response: {
            200: PaymentSchema,
            ...problems(readProof, submitProof),
          },
        },
      },
      async (request) => {
        const { id } = request.params as { id: string };
        await authorizeProof(app.db, request.actor, id);
        const proof = await readProof(request.body);
        const payment = await runInTransaction(app.db, (tx) =>
          submitProof(tx, request.actor, id, proof),
        );
        return payment;
      },
    );
  });
}

/** Route that verifies a payment manually. */
function verificationRoute(server: ApiServer, app: PaymentDeps): void {
  server.post(
    '/participations/:id/payment/verify',
    {
      schema: {
        tags: ['money'],
        summary: 'Verify a payment manually: settles it and confirms the participation',
        params,
        body: Type.Optional(
          closed({
            amount: Type.Optional(
              Type.Integer({
                minimum: 1,
                maximum: Number.MAX_SAFE_INTEGER,
                description: 'The received amount in whole rupiah, if it differs from the total',
              }),
            ),
            reference: Type.Optional(text(1, 200)),
            paid_on: Type.Optional(
              Type.String({
                format: 'date',
                description:
                  'The day of the transfer in Asia/Jakarta, which decides whether it was in time; default: the day of the proof',
              }),
            ),
          }),
        ),
        response: {
          200: ReceivedSchema,
          ...problems(verifyPayment),
        },
      },
    },
    async ({ actor, params: { id }, body }) => {
      const amount = body?.amount === undefined ? null : BigInt(body.amount);
      const reference = body?.reference?.trim() ?? null;
      const seen = { amount, reference, paidOn: body?.paid_on ?? null };
      const received = await runInTransaction(app.db, (tx) => verifyPayment(tx, actor, id, seen));
      return received;
    },
  );
}

/** Routes that reject the proof of a payment, or write the payment off. */
function rejectionRoutes(server: ApiServer, app: PaymentDeps): void {
  for (const { path, summary, verb } of [
    {
      path: 'reject',
      summary: 'Reject a proof of payment: the payment is due again',
      verb: rejectPayment,
    },
    {
      path: 'write-off',
      summary: 'Write off the payment of a buyer in a completed campaign, who then gets no goods',
      verb: writeOffPayment,
    },
  ]) {
    server.post(
      `/participations/:id/payment/${path}`,
      {
        schema: {
          tags: ['money'],
          summary,
          params,
          body: closed({ reason: text(3, 500) }),
          response: {
            200: PaymentSchema,
            ...problems(verb),
          },
        },
      },
      async (request) => {
        const { id } = request.params as { id: string };
        const { reason } = request.body as { reason: string };
        const payment = await runInTransaction(app.db, (tx) =>
          verb(tx, request.actor, id, reason.trim()),
        );
        return payment;
      },
    );
  }
}

/** Route that lists open payments. */
function paymentListRoute(server: ApiServer, app: PaymentDeps): void {
  server.get(
    '/payments',
    {
      schema: {
        tags: ['money'],
        summary: 'List open payments, oldest first; default: those to verify',
        description: '`overdue`: overdue payments of live orders, longest overdue first',
        querystring: closed({
          status: Type.Optional(
            choice(['due', 'proof_submitted', 'rejected', 'pending', 'overdue']),
          ),
          ...pageQuery,
        }),
        response: { 200: pageOf(PaymentSchema), ...problems(openPayments) },
      },
    },
    async ({ actor, query: { status = 'proof_submitted', cursor, limit = 20 } }) => {
      const [position = null, id = null] = cursorAfter(cursor, ['number', 'id']);
      const place = [position, id] as const;
      const rows = await openPayments(app.db, actor, status, place, limit + 1);
      return {
        items: rows.slice(0, limit).map(paymentOf),
        next_cursor: nextCursor(rows, limit, (row) => [Number(row.position), row.transaction_id]),
      };
    },
  );
}
