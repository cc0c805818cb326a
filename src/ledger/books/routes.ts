import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { closed, Id, problems } from '../../http/schemas.ts';
import type { DatabaseDeps } from '../../database/pool.ts';
import { viewBooks } from './operations.ts';
import { BooksSchema } from './schemas.ts';

const params = closed({ id: Id });

/** Route of the books of a campaign. */
export function booksRoutes(app: DatabaseDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    server.get(
      '/campaigns/:id/books',
      {
        schema: {
          tags: ['money'],
          summary: 'Get the books of a campaign, which balance to the rupiah',
          params,
          response: { 200: BooksSchema, ...problems(viewBooks) },
        },
      },
      async ({ actor, params: { id } }) => await viewBooks(app.db, actor, id),
    );
  };
}
