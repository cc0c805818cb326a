import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { Database } from '../../database/pool.ts';
import type { StatementImporter } from './importer.ts';
import { invalidField } from '../../errors/errors.ts';
import { maxJsonBytes } from '../../http/body-limits.ts';
import { cursorAfter, nextCursor } from '../../http/cursor.ts';
import { choice, closed, Id, pageOf, pageQuery, problems } from '../../http/schemas.ts';
import { authorize } from '../../identity/policy.ts';
import { runInTransaction } from '../../operation/run.ts';
import {
  guessMapping,
  previewTable,
  statementFormats,
  statementMediaTypes,
  type StatementFormat,
} from '../statement-files/parse.ts';
import { deleteMapping, listImports } from './import-queries.ts';
import { takeFiles } from '../payments/routes.ts';
import { MappingSchema, type StoredMapping } from './mapping.ts';
import {
  importOf,
  ImportSchema,
  previewOf,
  resultOf,
  StatementSchema,
  TableSchema,
  UploadPreviewSchema,
} from './schemas.ts';
import * as statements from './operations.ts';

/** The dependencies of the import routes. */
interface ImportDeps {
  readonly db: Database;
  readonly importer: StatementImporter;
}

const params = closed({ id: Id });
const File = Type.Unsafe<Buffer>({ description: 'The file itself, as the bank gives it' });
const fileBody = {
  content: Object.fromEntries(statementMediaTypes.map((type) => [type, { schema: File }])),
};
/** An import that takes longer is answered with 202 and continues in the background. */
const patienceMs = 10_000;
const Format = Type.Optional(choice(statementFormats));
const DayInput = Type.String({ pattern: '^2\\d{3}-\\d{2}-\\d{2}$' });

/** Routes that upload bank statements and show the progress of their imports. */
export function importRoutes(app: ImportDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    await server.register(fileRoutes(app));
    await server.register(progressRoutes(app));
    await server.register(uploadRoutes(app));
  };
}

/** Routes with a file as request body. */
function fileRoutes(app: ImportDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    takeFiles(server, statementMediaTypes);
    server.post(
      '/receiving-accounts/:id/statement',
      {
        bodyLimit: statements.maxStatementBytes,
        schema: {
          tags: ['money'],
          summary: 'Read a bank statement: preview what it pays for, or apply it',
          description:
            'The file as the body: CSV, TSV, XLSX, MT940 or CAMT.053. Transfers that were imported before, by the same file or one that overlaps it, change nothing. Without a format the columns that were mapped for the account are taken, else the bank is recognised. `generic` has the columns date (YYYY-MM-DD), description and amount. An import that is not done within ten seconds is answered with 202 and goes on: see `GET /statements/{id}`.',
          params,
          querystring: closed({
            format: Format,
            apply: Type.Optional(Type.Boolean({ default: false })),
          }),
          body: fileBody,
          response: {
            200: StatementSchema,
            202: ImportSchema,
            ...problems(
              'forbidden',
              'campaign_busy',
              'outcome_unknown',
              'installation_held',
              'receiving_account_not_found',
              'statement_not_readable',
            ),
          },
        },
      },
      async ({ actor, params: { id }, query: { format, apply = false }, body }, reply) => {
        await statements.authorizeImport(app.db, actor, id);
        const bytes = bytesOf(body);
        const mapping = format === undefined ? undefined : { format };
        if (!apply) {
          const { lines, parsed } = await statements.previewStatement(app.db, actor, id, {
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
          patienceMs,
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

    server.post(
      '/receiving-accounts/:id/statements',
      {
        bodyLimit: statements.maxStatementBytes,
        schema: {
          tags: ['money'],
          summary: 'Upload a bank statement, to map its columns and apply it later',
          description:
            'Nothing is imported before `POST /statements/{id}/apply`; a file that nobody applies is deleted after a day.',
          params,
          querystring: closed({
            format: Format,
            file_name: Type.Optional(Type.String({ maxLength: 200 })),
          }),
          body: fileBody,
          response: {
            201: ImportSchema,
            ...problems(
              'forbidden',
              'campaign_busy',
              'outcome_unknown',
              'receiving_account_not_found',
              'statement_not_readable',
            ),
          },
        },
      },
      async (
        { actor, params: { id }, query: { format, file_name: fileName = '' }, body },
        reply,
      ) => {
        await statements.authorizeImport(app.db, actor, id);
        const row = await statements.uploadStatement(app.db, actor, id, {
          bytes: bytesOf(body),
          fileName,
          mapping: format === undefined ? undefined : { format },
        });
        return reply.status(201).send(importOf(row));
      },
    );
  };
}

/** Routes that show imports and their progress. */
function progressRoutes(app: ImportDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    server.get(
      '/statements',
      {
        schema: {
          tags: ['money'],
          summary: 'Imports of bank statements, the newest first',
          querystring: closed(pageQuery),
          response: { 200: pageOf(ImportSchema), ...problems('forbidden') },
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
          summary: 'How far an import got',
          params,
          response: { 200: ImportSchema, ...problems('forbidden', 'statement_import_not_found') },
        },
      },
      async ({ actor, params: { id } }) =>
        importOf(await statements.findStatementImport(app.db, actor, id)),
    );
  };
}

/** Routes that change an uploaded file or start its import. */
function uploadRoutes(app: ImportDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    server.get(
      '/statements/:id/rows',
      {
        schema: {
          tags: ['money'],
          summary: 'The first rows of an uploaded file, to map its columns',
          params,
          response: {
            200: TableSchema,
            ...problems('forbidden', 'statement_import_not_found', 'statement_import_started'),
          },
        },
      },
      async ({ actor, params: { id } }) => {
        await statements.findStatementImport(app.db, actor, id);
        const { content } = await statements.fileOf(app.db, id);
        const { kind, encoding, delimiter, rows } = await previewTable(content);
        const shown = rows.map(({ row, cells }) => ({ row, cells: [...cells] }));
        return {
          kind,
          encoding,
          delimiter: delimiter ?? null,
          rows: shown,
          guess: guessMapping(rows),
        };
      },
    );

    server.post(
      '/statements/:id/preview',
      {
        // Maximum length of a mapping in JSON; more than the headings of any bank need.
        bodyLimit: maxJsonBytes,
        schema: {
          tags: ['money'],
          summary: 'What a mapping reads from an uploaded file, and what importing it would do',
          params,
          body: mappingBody(),
          response: {
            200: UploadPreviewSchema,
            ...problems(
              'forbidden',
              'statement_import_not_found',
              'statement_import_started',
              'statement_not_readable',
            ),
          },
        },
      },
      async ({ actor, params: { id }, body }) =>
        previewOf(await statements.previewUpload(app.db, actor, id, mappingIn(body))),
    );

    server.post(
      '/statements/:id/apply',
      {
        // Maximum length of a mapping in JSON; more than the headings of any bank need.
        bodyLimit: maxJsonBytes,
        schema: {
          tags: ['money'],
          summary: 'Import an uploaded file',
          description:
            '200 when it is done; 202 while it goes on. `through` is the last day of which the file has every line, where the file itself does not say. With `keep_mapping` the next files of the account are read in the same way.',
          params,
          body: mappingBody({
            keep_mapping: Type.Optional(Type.Boolean({ default: false })),
            through: Type.Optional(DayInput),
          }),
          response: {
            200: ImportSchema,
            202: ImportSchema,
            ...problems(
              'forbidden',
              'campaign_busy',
              'outcome_unknown',
              'installation_held',
              'statement_import_not_found',
              'statement_import_started',
              'statement_not_readable',
            ),
          },
        },
      },
      async ({ actor, params: { id }, body }, reply) => {
        const { keep_mapping: keepMapping = false, through } = body;
        const deps = { db: app.db, importer: app.importer };
        const row = await statements.applyUpload(deps, actor, id, {
          mapping: mappingIn(body),
          keepMapping,
          through,
          patienceMs,
        });
        return reply.status(row.state === 'done' ? 200 : 202).send(importOf(row));
      },
    );

    server.delete(
      '/receiving-accounts/:id/statement-mapping',
      {
        schema: {
          tags: ['money'],
          summary: 'Forget how the columns of an account’s statements were mapped',
          params,
          response: {
            204: Type.Null(),
            ...problems(
              'forbidden',
              'campaign_busy',
              'outcome_unknown',
              'receiving_account_not_found',
            ),
          },
        },
      },
      async ({ actor, params: { id } }, reply) => {
        await statements.authorizeImport(app.db, actor, id);
        await runInTransaction(app.db, (tx) => tx.rows(deleteMapping, id));
        return reply.status(204).send(null);
      },
    );
  };
}

function mappingBody<P extends Parameters<typeof closed>[0]>(more: P = {} as P) {
  return closed({ format: Format, columns: Type.Optional(MappingSchema), ...more });
}

function mappingIn(body: {
  readonly format?: StatementFormat;
  readonly columns?: Extract<StoredMapping, { columns: unknown }>['columns'];
}): StoredMapping | undefined {
  if (body.columns !== undefined) return { columns: body.columns };
  return body.format === undefined ? undefined : { format: body.format };
}

function bytesOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body) && body.length > 0) return body;
  throw invalidField('', {
    id: 'Kirim berkas mutasi rekening sebagai isi permintaan.',
    en: 'Send the file of the statement as the body.',
  });
}
