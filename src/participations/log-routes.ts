import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { DatabaseDeps } from '../database/pool.ts';
import type { ApiServer } from '../http/api-server.ts';
import { closed, Id, problems, Rupiah } from '../http/schemas.ts';
import type { SumTrees } from '../public-log/sum-trees.ts';
import { viewReceipt, viewSumProof, viewSums } from './log-proofs.ts';

/** Dependencies of the routes with receipts and sums of the public log. */
export interface LogProofDeps extends DatabaseDeps {
  readonly sumTrees: SumTrees;
}

const text = { content: { 'text/plain': { schema: Type.String() } } };
/** Base64 of a hash or salt of 32 bytes. */
const Base64 = Type.String({ description: 'Base64 of 32 bytes' });

const SumProofSchema = closed(
  {
    participation_id: Id,
    salt: Base64,
    paid: { ...Rupiah, description: 'Whole rupiah that the buyer paid, before refunds' },
    index: Type.Integer({ description: 'Number of the leaf in the tree, from 0' }),
    siblings: Type.Array(closed({ hash: Base64, sum: Rupiah }), {
      description: 'The siblings from the leaf up to the root',
    }),
    checkpoint: Type.String({ description: 'The sum checkpoint, a signed note' }),
  },
  { title: 'SumProof' },
);

/** Routes with the receipts of orders, and with the sums of what buyers paid. */
export function logProofRoutes(app: LogProofDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    receiptRoute(server, app);
    sumsRoute(server, app);
    sumProofRoute(server, app);
  };
}

function receiptRoute(server: ApiServer, app: LogProofDeps): void {
  server.get(
    '/participations/:id/receipt',
    {
      schema: {
        tags: ['public log'],
        summary: 'Get the receipt of an order: proof that it is in the public log',
        description:
          'One line of text: at most 1 KB that anybody can verify without trusting this service. Wait for `Retry-After` while the order is too new.',
        params: closed({ id: Id }),
        response: {
          200: { description: 'The receipt', ...text },
          ...problems(viewReceipt),
        },
      },
    },
    async (request, reply) => {
      const receipt = await viewReceipt(app.db, request.actor, request.params.id.toLowerCase());
      return reply.type('text/plain; charset=utf-8').send(`${receipt}\n`);
    },
  );
}

function sumsRoute(server: ApiServer, app: LogProofDeps): void {
  server.get(
    '/campaigns/:id/log/sums',
    {
      schema: {
        tags: ['public log'],
        summary: 'Get the newest sum checkpoint: what all buyers paid, and where it went',
        description:
          'A signed note over a Merkle sum tree, published when a payout is released and after each later change of the money.',
        params: closed({ id: Id }),
        response: { 200: { description: 'The sum checkpoint', ...text }, ...problems(viewSums) },
      },
    },
    async (request, reply) => {
      const sums = await viewSums(app.db, request.actor, request.params.id.toLowerCase());
      return reply
        .type('text/plain; charset=utf-8')
        .header('cache-control', 'public, max-age=1')
        .send(sums.checkpoint);
    },
  );
}

function sumProofRoute(server: ApiServer, app: LogProofDeps): void {
  server.get(
    '/participations/:id/sum-proof',
    {
      schema: {
        tags: ['public log'],
        summary: "Get the proof that the buyer's payment is in the newest sum checkpoint",
        params: closed({ id: Id }),
        response: { 200: SumProofSchema, ...problems(viewSumProof) },
      },
    },
    async (request) => await viewSumProof(app, request.actor, request.params.id.toLowerCase()),
  );
}
