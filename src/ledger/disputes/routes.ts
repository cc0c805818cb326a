import { authorizeOnBuyer } from '../payments/authorize.ts';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { DatabaseDeps } from '../../database/pool.ts';
import type { ApiServer } from '../../http/api-server.ts';
import { nextCursor } from '../../http/cursor.ts';
import { fileHeaders } from '../../http/download-headers.ts';
import { choice, closed, Id, pageOf, pageQuery, problems, text } from '../../http/schemas.ts';
import { runInTransaction } from '../../operation/run.ts';
import {
  addDisputePictures,
  maxDisputePictures,
  readDisputePictures,
  viewDisputePicture,
} from './pictures.ts';
import { parseAgeCursor } from '../entries/cursor.ts';
import { openDispute, openDisputes, resolveDispute } from './operations.ts';
import { DisputeSchema, disputeOf } from './schemas.ts';
import { proofLimitBytes } from '../payments/proofs.ts';
import { acceptFiles } from '../../http/body-parsers.ts';

const params = closed({ id: Id });
const reason = closed({ reason: text(3, 500) });
const types = ['image/jpeg', 'image/png', 'image/webp'];
const Bytes = Type.Unsafe<Buffer>({ description: 'The file itself' });
const PicturesSchema = closed(
  { dispute_id: Id, pictures: Type.Integer({ minimum: 1, maximum: maxDisputePictures }) },
  { title: 'DisputePictures' },
);

/** Routes of disputes and their pictures. */
export function disputeRoutes(app: DatabaseDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    openRoute(server, app);
    resolutionRoutes(server, app);
    await pictureRoutes(server, app);
  };
}

/** Route that opens a dispute. */
function openRoute(server: ApiServer, app: DatabaseDeps): void {
  server.post(
    '/participations/:id/dispute',
    {
      schema: {
        tags: ['money'],
        summary: 'Open a dispute about the goods; it blocks the payout',
        description:
          'A dismissed dispute may be appealed once within seven days, with new information.',
        params,
        body: reason,
        response: {
          201: DisputeSchema,
          ...problems(openDispute),
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
}

/** Routes that list open disputes and resolve one. */
function resolutionRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.get(
    '/disputes',
    {
      schema: {
        tags: ['money'],
        summary: 'List open disputes, oldest first',
        querystring: closed(pageQuery),
        response: { 200: pageOf(DisputeSchema), ...problems(openDisputes) },
      },
    },
    async ({ actor, query: { cursor, limit = 20 } }) => {
      const place = parseAgeCursor(cursor);
      const rows = await openDisputes(app.db, actor, place, limit + 1);
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
        summary: 'Resolve a dispute: uphold it and refund the buyer, or dismiss it',
        params,
        body: closed({
          resolution: choice(['upheld', 'dismissed']),
          explanation: text(3, 500),
        }),
        response: {
          200: DisputeSchema,
          ...problems(resolveDispute),
        },
      },
    },
    async ({ actor, params: { id }, body: { resolution, explanation } }) => {
      const decision = { resolution, explanation: explanation.trim() };
      return disputeOf(
        await runInTransaction(app.db, (tx) => resolveDispute(tx, actor, id, decision)),
      );
    },
  );
}

/** Routes that get and add the pictures of a dispute. */
async function pictureRoutes(server: ApiServer, app: DatabaseDeps): Promise<void> {
  server.get(
    '/disputes/:id/picture',
    {
      schema: {
        tags: ['money'],
        summary: 'Get a picture of a dispute',
        params,
        querystring: closed({
          number: Type.Optional(Type.Integer({ minimum: 1, maximum: maxDisputePictures })),
        }),
        response: {
          200: { description: 'The picture', content: { 'image/webp': { schema: Bytes } } },
          ...problems(viewDisputePicture),
        },
      },
    },
    async ({ actor, params: { id }, query: { number = 1 } }, reply) => {
      const content = await viewDisputePicture(app.db, actor, id, number);
      return reply.headers(disputePictureHeaders(id, number)).send(content);
    },
  );

  await server.register(async (uploads) => {
    acceptFiles(uploads, types);
    uploads.post(
      '/participations/:id/dispute/pictures',
      {
        bodyLimit: proofLimitBytes,
        schema: {
          tags: ['money'],
          summary: 'Add a picture to a dispute: a JPEG, PNG or WebP as the body',
          description: `Adds one picture to the open dispute; there can be ${maxDisputePictures}.`,
          params,
          body: { content: Object.fromEntries(types.map((type) => [type, { schema: Bytes }])) },
          response: {
            201: PicturesSchema,
            ...problems(addDisputePictures),
          },
        },
      },
      async (request, reply) => {
        const { id } = request.params as { id: string };
        const { actor, body } = request;
        await authorizeOnBuyer(app.db, actor, 'dispute.open', id);
        const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
        const pictures = await readDisputePictures([bytes]);
        const added = await runInTransaction(app.db, (tx) =>
          addDisputePictures(tx, actor, id, pictures),
        );
        return reply.code(201).send(added);
      },
    );
  });
}

/**
 * Returns the response headers of a dispute's picture: the browser shows it inline, and proxies do
 * not cache it.
 */
export function disputePictureHeaders(id: string, number: number) {
  return fileHeaders({ name: `keluhan-${id}-${number}.webp`, type: 'image/webp', isShown: true });
}
