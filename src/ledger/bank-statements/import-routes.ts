import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { ApiServer } from '../../http/api-server.ts';
import { cursorAfter, nextCursor } from '../../http/cursor.ts';
import { closed, Id, pageOf, pageQuery, problems } from '../../http/schemas.ts';
import { authorize } from '../../identity/policy.ts';
import { listImports } from './import-queries.ts';
import { importOf, ImportSchema } from './schemas.ts';
import * as statements from './operations.ts';
import { fileRoutes } from './file-routes.ts';
import { columnRoutes, applyRoutes } from './upload-routes.ts';

const params = closed({ id: Id });

/** Routes that upload bank statements and show the progress of their imports. */
export function importRoutes(app: statements.ImportDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    await server.register(fileRoutes(app));
    progressRoutes(server, app);
    columnRoutes(server, app);
    applyRoutes(server, app);
  };
}

/** Routes that show imports and their progress. */
function progressRoutes(server: ApiServer, app: statements.ImportDeps): void {
  server.get(
    '/statements',
    {
      schema: {
        tags: ['money'],
        summary: 'List the imports of bank statements, newest first',
        querystring: closed(pageQuery),
        response: { 200: pageOf(ImportSchema), ...problems(authorize) },
      },
    },
    async ({ actor, query: { cursor, limit = 20 } }) => {
      authorize(actor, 'statement.import');
      const [before = null, id = null] = cursorAfter(cursor, ['moment', 'id']);
      const rows = await app.db.rows(listImports, before, id, limit + 1);
      return {
        items: rows.slice(0, limit).map(importOf),
        next_cursor: nextCursor(rows, limit, (row) => [row.created_at, row.import_id]),
      };
    },
  );

  server.get(
    '/statements/:id',
    {
      schema: {
        tags: ['money'],
        summary: 'Get the progress of an import',
        params,
        response: { 200: ImportSchema, ...problems(statements.findStatementImport) },
      },
    },
    async ({ actor, params: { id } }) =>
      importOf(await statements.findStatementImport(app.db, actor, id)),
  );
}
