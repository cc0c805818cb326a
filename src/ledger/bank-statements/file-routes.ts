import { wording } from '../../i18n/messages.ts';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { invalidField } from '../../errors/errors.ts';
import type { ApiServer } from '../../http/api-server.ts';
import { closed, Id, problems } from '../../http/schemas.ts';
import { statementMediaTypes } from '../statement-files/parse.ts';
import { Format, importOf, ImportSchema, resultOf, StatementSchema } from './schemas.ts';
import * as statements from './operations.ts';
import { previewStatement } from './preview.ts';
import { acceptFiles } from '../../http/body-parsers.ts';

const params = closed({ id: Id });
const File = Type.Unsafe<Buffer>({ description: 'The unchanged file from the bank' });

const fileBody = {
  content: Object.fromEntries(statementMediaTypes.map((type) => [type, { schema: File }])),
};

/** Routes with a file as request body. */
export function fileRoutes(app: statements.ImportDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    acceptFiles(server, statementMediaTypes);
    importRoute(server, app);
    uploadRoute(server, app);
  };
}

/** Route that previews or imports a file at once. */
function importRoute(server: ApiServer, app: statements.ImportDeps): void {
  server.post(
    '/receiving-accounts/:id/statement',
    {
      bodyLimit: statements.maxStatementBytes,
      schema: {
        tags: ['money'],
        summary: 'Preview or import a bank statement in one call',
        description:
          'The file as the body: CSV, TSV, XLSX, MT940 or CAMT.053. Transfers that were imported before, by the same or an overlapping file, change nothing. Without a format, the stored mapping of the account is used, or else the bank is recognised automatically. `generic` has the columns date (YYYY-MM-DD), description and amount. An import that takes longer than ten seconds is answered with 202 and continues: see `GET /statements/{id}`.',
        params,
        querystring: closed({
          format: Format,
          apply: Type.Optional(Type.Boolean({ default: false })),
        }),
        body: fileBody,
        response: {
          200: StatementSchema,
          202: ImportSchema,
          ...problems(statements.importStatement),
        },
      },
    },
    async ({ actor, params: { id }, query: { format, apply = false }, body }, reply) => {
      await statements.authorizeImport(app.db, actor, id);
      const bytes = bytesOf(body);
      const mapping = format === undefined ? undefined : { format };
      if (!apply) {
        const { lines, parsed } = await previewStatement(app.db, actor, id, {
          bytes,
          mapping,
        });
        return reply.send(resultOf(lines, parsed));
      }
      const deps = { db: app.db, importer: app.importer };
      const row = await statements.importStatement(deps, actor, id, {
        bytes,
        mapping,
        fileName: '',
        maxWaitMs: statements.maxImportWaitMs,
      });
      if (row.state !== 'done') return reply.status(202).send(importOf(row));
      const open = await statements.openCounts(app.db, id);
      return reply.send({
        applied: true,
        import_id: row.import_id,
        added: row.added_lines,
        skipped: row.skipped_lines,
        matched: row.matched_lines,
        ...open,
        lines: [],
      });
    },
  );
}

/** Route that stores a file for a later import. */
function uploadRoute(server: ApiServer, app: statements.ImportDeps): void {
  server.post(
    '/receiving-accounts/:id/statements',
    {
      bodyLimit: statements.maxStatementBytes,
      schema: {
        tags: ['money'],
        summary: 'Upload a bank statement, to map its columns and import it later',
        description:
          'Nothing is imported before `POST /statements/{id}/apply`; a file that is not imported within a day is deleted.',
        params,
        querystring: closed({
          format: Format,
          file_name: Type.Optional(Type.String({ maxLength: 200 })),
        }),
        body: fileBody,
        response: {
          201: ImportSchema,
          ...problems(statements.uploadStatement),
        },
      },
    },
    async ({ actor, params: { id }, query: { format, file_name: fileName = '' }, body }, reply) => {
      await statements.authorizeImport(app.db, actor, id);
      const row = await statements.uploadStatement(app.db, actor, id, {
        bytes: bytesOf(body),
        fileName,
        mapping: format === undefined ? undefined : { format },
      });
      return reply.status(201).send(importOf(row));
    },
  );
}

function bytesOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body) && body.length > 0) return body;
  throw invalidField('', wording('errors.field.statementFile'));
}
