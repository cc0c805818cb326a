import Type from 'typebox';
import type { ApiServer } from '../../http/api-server.ts';
import { maxJsonBytes } from '../../http/body-limits.ts';
import { closed, Id, problems } from '../../http/schemas.ts';
import { runInTransaction } from '../../operation/run.ts';
import { guessMapping, previewTable, type StatementFormat } from '../statement-files/parse.ts';
import { deleteMapping } from './import-queries.ts';
import { MappingSchema, type StoredMapping } from './mapping.ts';
import {
  Format,
  importOf,
  ImportSchema,
  previewOf,
  TableSchema,
  UploadPreviewSchema,
} from './schemas.ts';
import * as statements from './operations.ts';
import { previewUpload } from './preview.ts';

const params = closed({ id: Id });
const DayInput = Type.String({ pattern: '^2\\d{3}-\\d{2}-\\d{2}$' });

/**
 * Routes that show the first rows of an uploaded file, and delete the stored mapping of an account.
 */
export function columnRoutes(server: ApiServer, app: statements.ImportDeps): void {
  server.get(
    '/statements/:id/rows',
    {
      schema: {
        tags: ['money'],
        summary: 'Get the first rows of an uploaded file, to map its columns',
        params,
        response: {
          200: TableSchema,
          ...problems(statements.findStatementImport, statements.fileOf),
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

  server.delete(
    '/receiving-accounts/:id/statement-mapping',
    {
      schema: {
        tags: ['money'],
        summary: 'Delete the stored column mapping of an account',
        params,
        response: {
          204: Type.Null(),
          ...problems(statements.authorizeImport, 'campaign_busy'),
        },
      },
    },
    async ({ actor, params: { id } }, reply) => {
      await statements.authorizeImport(app.db, actor, id);
      await runInTransaction(app.db, (tx) => tx.rows(deleteMapping, id));
      return reply.status(204).send(null);
    },
  );
}

/** Routes that preview and import an uploaded file. */
export function applyRoutes(server: ApiServer, app: statements.ImportDeps): void {
  server.post(
    '/statements/:id/preview',
    {
      config: { idempotency: 'preview' },
      // Maximum size of a mapping in JSON. It is more than the headings of any bank need.
      bodyLimit: maxJsonBytes,
      schema: {
        tags: ['money'],
        summary: 'Preview an uploaded file with a mapping, and the effect of its import',
        params,
        body: mappingBody(),
        response: {
          200: UploadPreviewSchema,
          ...problems(previewUpload),
        },
      },
    },
    async ({ actor, params: { id }, body }) =>
      previewOf(await previewUpload(app.db, actor, id, mappingIn(body))),
  );

  server.post(
    '/statements/:id/apply',
    {
      // Maximum size of a mapping in JSON. It is more than the headings of any bank need.
      bodyLimit: maxJsonBytes,
      schema: {
        tags: ['money'],
        summary: 'Import an uploaded file',
        description:
          '200 when it is finished; 202 while it continues. `through` is the last day for which the file is complete, if the file does not state it. With `keep_mapping` the next files of the account use the same mapping.',
        params,
        body: mappingBody({
          keep_mapping: Type.Optional(Type.Boolean({ default: false })),
          through: Type.Optional(DayInput),
        }),
        response: {
          200: ImportSchema,
          202: ImportSchema,
          ...problems(statements.applyUpload),
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
        maxWaitMs: statements.maxImportWaitMs,
      });
      return reply.status(row.state === 'done' ? 200 : 202).send(importOf(row));
    },
  );
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
