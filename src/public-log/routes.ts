import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { DatabaseDeps } from '../database/pool.ts';
import type { ApiServer } from '../http/api-server.ts';
import { closed, Id, problems } from '../http/schemas.ts';
import { formatCheckpoint } from './checkpoint.ts';
import {
  viewCheckpoint,
  viewCheckpointOfSize,
  viewConsistency,
  viewInclusion,
  viewTile,
} from './operations.ts';

const params = closed({ id: Id });
/** Answers that never change may be kept for a year. */
const immutable = 'public, max-age=31536000, immutable';
/** The newest checkpoint changes at most every 0.6 seconds. */
const brief = 'public, max-age=1';

const size = Type.Integer({ minimum: 1, maximum: 2 ** 40 });
const Hashes = Type.Array(Type.String({ description: '32 bytes in base64' }));
const InclusionSchema = closed(
  { index: Type.Integer(), size: Type.Integer(), leaf_hash: Type.String(), hashes: Hashes },
  { title: 'InclusionProof' },
);
const ConsistencySchema = closed(
  { from: Type.Integer(), to: Type.Integer(), hashes: Hashes },
  { title: 'ConsistencyProof' },
);

const bytesResponse = (description: string) => ({
  description,
  content: { 'application/octet-stream': { schema: Type.String({ format: 'binary' }) } },
});
const noteResponse = {
  description: 'A signed note',
  content: { 'text/plain': { schema: Type.String() } },
};

/** Routes of the public log of a campaign: checkpoints, tiles and proofs. Everybody may read it. */
export function publicLogRoutes(app: DatabaseDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    checkpointRoutes(server, app);
    tileRoutes(server, app);
    proofRoutes(server, app);
  };
}

/** Routes of the checkpoints. */
function checkpointRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.get(
    '/campaigns/:id/log/checkpoint',
    {
      schema: {
        tags: ['public log'],
        summary: "Get the newest checkpoint of a campaign's public log",
        description:
          'A signed note (c2sp.org/tlog-checkpoint). The keys are at `/.well-known/sambatan-log-key`.',
        params,
        response: {
          200: noteResponse,
          304: Type.Null({ description: 'The checkpoint in `If-None-Match` is the newest one' }),
          ...problems(viewCheckpoint),
        },
      },
    },
    async (request, reply) => {
      const checkpoint = await viewCheckpoint(app.db, request.params.id);
      const etag = `"${checkpoint.size}-${checkpoint.signature.toString('base64url').slice(0, 16)}"`;
      reply.header('cache-control', brief).header('etag', etag);
      if (request.headers['if-none-match'] === etag) return reply.code(304).send(null);
      return reply.type('text/plain; charset=utf-8').send(formatCheckpoint(checkpoint));
    },
  );

  server.get(
    '/campaigns/:id/log/checkpoint/:size',
    {
      schema: {
        tags: ['public log'],
        summary: 'Get the newest checkpoint with this number of records',
        params: closed({ id: Id, size }),
        response: { 200: noteResponse, ...problems(viewCheckpointOfSize) },
      },
    },
    async (request, reply) => {
      const checkpoint = await viewCheckpointOfSize(app.db, request.params.id, request.params.size);
      // A restore of the database leads to another checkpoint of the same size.
      reply.header('cache-control', 'public, max-age=60');
      return reply.type('text/plain; charset=utf-8').send(formatCheckpoint(checkpoint));
    },
  );
}

const segment = Type.String({ maxLength: 7 });
/** The segments of a tile's path below `tile/`: large numbers and partial tiles need more. */
const tileRouteSegments = [['a'], ['a', 'b'], ['a', 'b', 'c'], ['a', 'b', 'c', 'd']] as const;

/** Routes of the tiles: hashes of a level, or records (`entries`). */
function tileRoutes(server: ApiServer, app: DatabaseDeps): void {
  for (const names of tileRouteSegments) {
    server.get(
      `/campaigns/:id/log/tile/:level/${names.map((name) => `:${name}`).join('/')}`,
      {
        schema: {
          tags: ['public log'],
          summary: 'Get a tile of hashes, or of records with the level `entries`',
          description:
            'The path is that of c2sp.org/tlog-tiles, for example `tile/0/000`, `tile/0/x001/234` or `tile/entries/003.p/17`. The answer never changes.',
          params: closed({
            id: Id,
            level: segment,
            ...Object.fromEntries(names.map((name) => [name, segment])),
          }),
          response: {
            200: bytesResponse('Hashes of 32 bytes each, or records with their lengths'),
            ...problems(viewTile),
          },
        },
      },
      async (request, reply) => {
        const { id, level, ...rest } = request.params as Record<string, string>;
        const segments = [level!, ...names.map((name) => rest[name]!)];
        const bytes = await viewTile(app.db, id!, segments);
        reply.header('cache-control', immutable).type('application/octet-stream');
        return reply.send(bytes as never);
      },
    );
  }
}

/** Routes of the proofs. */
function proofRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.get(
    '/campaigns/:id/log/inclusion',
    {
      schema: {
        tags: ['public log'],
        summary: 'Prove that a record is in the tree of a checkpoint',
        params,
        querystring: closed({ index: Type.Integer({ minimum: 0, maximum: 2 ** 40 }), size }),
        response: { 200: InclusionSchema, ...problems(viewInclusion) },
      },
    },
    async ({ params: { id }, query }, reply) => {
      const { leafHash, hashes } = await viewInclusion(app.db, id, query.index, query.size);
      reply.header('cache-control', immutable);
      return {
        index: query.index,
        size: query.size,
        leaf_hash: leafHash.toString('base64'),
        hashes: hashes.map((one) => one.toString('base64')),
      };
    },
  );

  server.get(
    '/campaigns/:id/log/consistency',
    {
      schema: {
        tags: ['public log'],
        summary: 'Prove that the tree of a checkpoint continues a smaller one',
        params,
        querystring: closed({ from: size, to: size }),
        response: { 200: ConsistencySchema, ...problems(viewConsistency) },
      },
    },
    async ({ params: { id }, query: { from, to } }, reply) => {
      const hashes = await viewConsistency(app.db, id, from, to);
      reply.header('cache-control', immutable);
      return { from, to, hashes: hashes.map((one) => one.toString('base64')) };
    },
  );
}
