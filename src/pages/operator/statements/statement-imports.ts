import { wording } from '../../../i18n/messages.ts';
import { previewPart } from './import-preview.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { PageDeps } from '../../deps.ts';
import { type DomainError, domainErrorNamed, invalidField } from '../../../errors/errors.ts';
import { formParser } from '../../../http/forms.ts';
import { closed, Id } from '../../../http/schemas.ts';
import { redirect, type PagePlugin } from '../../../http/page-response.ts';
import { readFormWithFile, takeUploads } from '../../../uploads/uploads.ts';
import { authorize } from '../../../identity/policy.ts';
import {
  guessMapping,
  previewTable,
  StatementRefused,
} from '../../../ledger/statement-files/parse.ts';
import { participationsById } from '../../../ledger/work-queues/work-queues.ts';
import { listSkipped, type ImportRow } from '../../../ledger/bank-statements/import-queries.ts';
import { storedMappingOf } from '../../../ledger/bank-statements/mapping.ts';
import * as statements from '../../../ledger/bank-statements/operations.ts';
import { previewUpload } from '../../../ledger/bank-statements/preview.ts';
import { html, type Html } from '../../../web/html.ts';
import { sendOperatorPage } from '../kit/frame.ts';
import { progressPart, resultPart } from './import-parts.ts';
import { mappingOfFields, mappingPart, readMapping, type MappingFields } from './mapping-form.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { params, requireValid } from '../kit/parts.ts';
import { paymentParts } from '../money/payments.ts';
import { runAction } from '../../kit/form-action.ts';

const readAccount = formParser(closed({ account: Id }));
const readStart = formParser(
  closed({
    through: Type.Optional(Type.String({ pattern: '^2\\d{3}-\\d{2}-\\d{2}$' })),
    keep_mapping: Type.Boolean(),
  }),
);
const tooLarge = wording('operator.statementImports.tooLarge');
/**
 * Maximum time that the response waits for an import. A small import is then finished and the page
 * shows its result; otherwise the page shows the progress.
 */
const maxWaitMs = 3_000;
const refreshSeconds = 3;
const maxSkippedShown = 500;

interface Overview {
  /** The path of the page that lists statements, without the language prefix. */
  readonly listPath: string;
  show(request: FastifyRequest, reply: FastifyReply, refused: DomainError): Promise<FastifyReply>;
}

/**
 * Registers the pages of one statement file from its upload to the result: preview, columns,
 * progress and result.
 */
export function statementImports(app: PageDeps, { listPath, show }: Overview): PagePlugin {
  return async (server) => {
    const { maxStatementBytes } = statements;
    takeUploads(server, { fileBytes: maxStatementBytes });

    server.post(listPath, async (request, reply) => {
      const { actor } = request.visit;
      authorize(actor, 'statement.import');
      return await runAction(request, reply, {
        run: async () => {
          const {
            fields,
            file: bytes,
            fileName,
          } = await readFormWithFile(request, 'statement', tooLarge);
          const { account } = requireValid(readAccount(fields));
          await statements.authorizeImport(app.db, actor, account);
          if (bytes === undefined) throw noFile();
          const upload = { bytes, fileName: fileName ?? '', mapping: undefined };
          return await statements.uploadStatement(app.db, actor, account, upload);
        },
        next: (row) => pathOf(listPath, row.import_id),
        showAgain: (refused) => show(request, reply, refused),
      });
    });

    server.get(`${listPath}/berkas/:id`, { schema: { params } }, async (request, reply) => {
      authorize(request.visit.actor, 'statement.import');
      return await showImport(app, listPath, request, reply, request.params.id);
    });

    server.post(`${listPath}/berkas/:id/kolom`, { schema: { params } }, async (request, reply) => {
      const { actor } = request.visit;
      authorize(actor, 'statement.import');
      const { id } = request.params;
      return await runAction(request, reply, {
        run: async () => {
          const mapping = mappingOfFields(requireValid(readMapping(request.body)) as MappingFields);
          if (mapping === undefined) throw noColumns();
          await statements.mapUpload(app.db, actor, id, mapping);
        },
        next: pathOf(listPath, id),
        showAgain: (refused) => showImport(app, listPath, request, reply, id, refused),
      });
    });

    server.post(
      `${listPath}/berkas/:id/terapkan`,
      { schema: { params } },
      async (request, reply) => {
        const { actor } = request.visit;
        authorize(actor, 'statement.import');
        const { id } = request.params;
        return await runAction(request, reply, {
          run: async () => {
            const { through, keep_mapping: keepMapping } = requireValid(readStart(request.body));
            const deps = { db: app.db, importer: app.importer };
            return await statements.applyUpload(deps, actor, id, {
              keepMapping,
              through,
              maxWaitMs,
            });
          },
          next: pathOf(listPath, id),
          // The button may have been pressed twice. The import is then already running.
          showAgain: (refused) =>
            refused.code === 'statement_import_started'
              ? redirect(request, reply, pathOf(listPath, id))
              : showImport(app, listPath, request, reply, id, refused),
        });
      },
    );
  };
}

/** Returns the path of the page of one import. */
function pathOf(listPath: string, id: string): string {
  return `${listPath}/berkas/${id}`;
}

/** Sends the page of one import. */
async function showImport(
  app: PageDeps,
  listPath: string,
  request: FastifyRequest,
  reply: FastifyReply,
  id: string,
  refused?: DomainError,
) {
  const { visit } = request;
  const row = await statements.findStatementImport(app.db, visit.actor, id);
  if (row.state === 'storing' || row.state === 'matching') {
    void reply.header('refresh', String(refreshSeconds));
  }
  const part = await importPart(app, request, row, pathOf(listPath, id), listPath);
  const body = html`${paymentParts(visit, listPath)}${refusalNotice(visit, refused)}${part}`;
  const title = row.file_name || visit.t('common.bankStatement');
  const page = { title, at: '/operator/pembayaran', body } as const;
  return sendOperatorPage(request, reply, page, refused?.status ?? 200);
}

/** Returns the content of the page, which depends on the state of the import. */
async function importPart(
  app: PageDeps,
  request: FastifyRequest,
  row: ImportRow,
  path: string,
  listPath: string,
): Promise<Html | undefined> {
  const { visit } = request;
  switch (row.state) {
    case 'uploaded':
      return await uploadedPart(app, request, row, path);
    case 'storing':
    case 'matching':
      return progressPart(visit, row, path);
    case 'done': {
      const { skipped } = await app.db.one(listSkipped, row.import_id, maxSkippedShown);
      return resultPart(visit, row, skipped, listPath);
    }
    case 'refused': {
      const { code, params: why } = row.error as { code: string; params: Record<string, unknown> };
      return refusalNotice(visit, domainErrorNamed(code, why));
    }
    default:
      return row.state satisfies never;
  }
}

async function uploadedPart(
  app: PageDeps,
  request: FastifyRequest,
  row: ImportRow,
  path: string,
): Promise<Html> {
  const { visit } = request;
  const { content } = await statements.fileOf(app.db, row.import_id);
  const table = await previewTable(content);
  const guess = guessMapping(table.rows);
  try {
    const preview = await previewUpload(app.db, visit.actor, row.import_id);
    const found = preview.lines.flatMap(({ participation_id: id }) => id ?? []).slice(0, 500);
    const subjects = await participationsById(app.db, visit.actor, found);
    const { mapping } = preview;
    return html`${previewPart(visit, path, { preview, subjects })}
    ${mappingPart(visit, path, { table, mapping, guess, isOpen: false })}`;
  } catch (error) {
    if (!(error instanceof StatementRefused)) throw error;
    const mapping = storedMappingOf(row.mapping);
    return html`${refusalNotice(visit, error)}
    ${mappingPart(visit, path, { table, mapping, guess, isOpen: true })}`;
  }
}

function noFile(): DomainError {
  return invalidField(
    'statement',
    wording('operator.statementImports.chooseTheFileOfTheStatement'),
  );
}

function noColumns(): DomainError {
  return invalidField('date', wording('operator.statementImports.chooseTheDateColumn'));
}
