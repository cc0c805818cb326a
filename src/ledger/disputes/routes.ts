import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { OperationDeps } from '../../operation/deps.ts';
import { fileHeaders } from '../../http/download-headers.ts';
import { closed, Id, problems } from '../../http/schemas.ts';
import { retryRead, runInTransaction } from '../../operation/run.ts';
import {
  addDisputePictures,
  maxDisputePictures,
  readDisputePictures,
  viewDisputePicture,
} from './pictures.ts';
import { takeFiles } from '../payments/routes.ts';
import { authorizeOnBuyer } from '../payments/operations.ts';
import { proofLimitBytes } from '../payments/proofs.ts';

const params = closed({ id: Id });
const types = ['image/jpeg', 'image/png', 'image/webp'];
const Bytes = Type.Unsafe<Buffer>({ description: 'The file itself' });
const PicturesSchema = closed(
  { dispute_id: Id, pictures: Type.Integer({ minimum: 1, maximum: maxDisputePictures }) },
  { title: 'DisputePictures' },
);

/** The pictures of what is wrong with what somebody bought. */
export function disputeRoutes(app: OperationDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    server.get(
      '/disputes/:id/picture',
      {
        schema: {
          tags: ['money'],
          summary: 'A picture of a dispute',
          params,
          querystring: closed({
            number: Type.Optional(Type.Integer({ minimum: 1, maximum: maxDisputePictures })),
          }),
          response: {
            200: { description: 'The picture', content: { 'image/webp': { schema: Bytes } } },
            ...problems('dispute_not_found'),
          },
        },
      },
      async ({ actor, params: { id }, query: { number = 1 } }, reply) => {
        const content = await retryRead(() => viewDisputePicture(app.db, actor, id, number));
        return reply.headers(disputePictureHeaders(id, number)).send(content);
      },
    );

    await server.register(async (uploads) => {
      takeFiles(uploads, types);
      uploads.post(
        '/participations/:id/dispute/pictures',
        {
          bodyLimit: proofLimitBytes,
          schema: {
            tags: ['money'],
            summary: 'Show what is wrong: a JPEG, PNG or WebP, as the body',
            description: `Adds one picture to the open dispute; there can be ${maxDisputePictures}.`,
            params,
            body: { content: Object.fromEntries(types.map((type) => [type, { schema: Bytes }])) },
            response: {
              201: PicturesSchema,
              ...problems(
                'forbidden',
                'outcome_unknown',
                'participation_not_found',
                'dispute_not_found',
              ),
            },
          },
        },
        async (request, reply) => {
          const { id } = request.params as { id: string };
          const { actor, body } = request;
          await retryRead(() => authorizeOnBuyer(app.db, actor, 'dispute.open', id));
          const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
          const pictures = await readDisputePictures([bytes]);
          const added = await runInTransaction(app.db, (tx) =>
            addDisputePictures(tx, actor, id, pictures),
          );
          return reply.code(201).send(added);
        },
      );
    });
  };
}

/** Headers of a picture of a dispute: shown, and kept by nobody on the way. */
export function disputePictureHeaders(id: string, number: number) {
  return fileHeaders({ name: `keluhan-${id}-${number}.webp`, type: 'image/webp', isShown: true });
}
