import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { App } from '../context.ts';
import { invalidField } from '../errors.ts';
import { after, nextCursor } from '../http/cursor.ts';
import { choice, closed, Id, pageOf, pageQuery, problems, text } from '../http/schemas.ts';
import { permit } from '../identity/policy.ts';
import { consult, operate } from '../operation.ts';
import { statementMediaTypes } from './bank-statements/parse.ts';
import { takeFiles } from './payment-routes.ts';
import { StatementLineSchema, statementLineOf, StatementSchema } from './schemas.ts';
import { readStatementFile, statementFormats, statementLimitBytes } from './statement-file.ts';
import { listOpenLines, type StatementLineRow } from './statement-queries.ts';
import {
  assignLine,
  ignoreLine,
  importStatement,
  permitImport,
  previewStatement,
} from './statements.ts';

const params = closed({ id: Id });
const StatementBytes = Type.Unsafe<Buffer>({ description: 'The file itself' });

/** What banks say arrived, and which payments it is for. */
export function statementRoutes(app: App): FastifyPluginAsyncTypebox {
  return async (server) => {
    await server.register(async (uploads: typeof server) => {
      takeFiles(uploads, statementMediaTypes);
      uploads.post(
        '/receiving-accounts/:id/statement',
        {
          bodyLimit: statementLimitBytes,
          schema: {
            tags: ['money'],
            summary: 'Read a bank statement: preview what it pays for, or apply it',
            description:
              'CSV, TSV, XLSX, MT940 or CAMT.053 as the body. `auto` recognises the bank by the column headings. Transfers that were imported before, by the same file or one that overlaps it, change nothing. A file that cannot be read for certain is refused whole, with line, cell and reason.',
            params,
            querystring: closed({
              format: Type.Optional(choice(statementFormats)),
              apply: Type.Optional(Type.Boolean({ default: false })),
            }),
            body: {
              content: Object.fromEntries(
                statementMediaTypes.map((type) => [type, { schema: StatementBytes }]),
              ),
            },
            response: {
              200: StatementSchema,
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
        async ({ actor, params: { id }, query: { format = 'auto', apply = false }, body }) => {
          await consult(() => permitImport(app.db, actor, id));
          const file = await readStatementFile(bytesOf(body), format);
          if (apply)
            return await applied(app, await importStatement(app.db, actor, id, file), file);
          const lines = await consult(() => previewStatement(app.db, actor, id, file));
          const count = (word: string) => lines.filter(({ outcome }) => outcome === word).length;
          return {
            applied: false,
            added: lines.length - count('known'),
            skipped: file.skipped,
            matched: count('match'),
            unmatched: count('unmatched'),
            ambiguous: count('ambiguous'),
            lines,
          };
        },
      );
    });

    server.get(
      '/statement-lines',
      {
        schema: {
          tags: ['money'],
          summary: 'Transfers that wait for a person: none or several payments fit',
          querystring: closed(pageQuery),
          response: { 200: pageOf(StatementLineSchema), ...problems('forbidden') },
        },
      },
      async ({ actor, query: { cursor, limit = 20 } }) => {
        permit(actor, 'statement.import');
        const [day, id = null] = after(cursor, ['moment', 'id']);
        const from = day === undefined ? null : day.toISOString().slice(0, 10);
        const rows = await consult(() => app.db.rows(listOpenLines, from, id, limit + 1));
        return {
          items: rows.slice(0, limit).map(statementLineOf),
          next_cursor: nextCursor(rows, limit, (row) => [
            new Date(`${row.booked_on}T00:00:00Z`),
            row.line_id,
          ]),
        };
      },
    );

    server.post(
      '/statement-lines/:id/assign',
      {
        schema: {
          tags: ['money'],
          summary: 'Say which participation a transfer is for',
          description:
            'It settles that payment where it fits; what does not pay for it is due back at once.',
          params,
          body: closed({ participation_id: Id }),
          response: {
            200: StatementLineSchema,
            ...problems(
              'forbidden',
              'campaign_busy',
              'outcome_unknown',
              'installation_held',
              'statement_line_not_found',
              'participation_not_found',
              'statement_line_handled',
            ),
          },
        },
      },
      async ({ actor, params: { id }, body }) => {
        const participationId = body.participation_id.toLowerCase();
        const line = await operate(app.db, (tx) => assignLine(tx, actor, id, participationId));
        return statementLineOf(told(app, line));
      },
    );

    server.post(
      '/statement-lines/:id/ignore',
      {
        schema: {
          tags: ['money'],
          summary: 'Set a transfer aside that is not about any participation',
          params,
          body: closed({ reason: text(3, 500) }),
          response: {
            200: StatementLineSchema,
            ...problems(
              'forbidden',
              'campaign_busy',
              'outcome_unknown',
              'statement_line_not_found',
              'statement_line_handled',
            ),
          },
        },
      },
      async ({ actor, params: { id }, body }) =>
        statementLineOf(
          await operate(app.db, (tx) => ignoreLine(tx, actor, id, body.reason.trim())),
        ),
    );
  };
}

async function applied(
  app: App,
  done: Awaited<ReturnType<typeof importStatement>>,
  { skipped }: { readonly skipped: number },
) {
  for (const line of done.matched) told(app, line);
  const { added, unmatched, ambiguous } = done;
  const matched = done.matched.length;
  return { applied: true, added, skipped, matched, unmatched, ambiguous, lines: [] };
}

/** Tells those who watch the campaign that a transfer was counted for. */
function told(app: App, line: StatementLineRow): StatementLineRow {
  if (line.campaign_id !== null) app.pokes.poke(line.campaign_id);
  return line;
}

function bytesOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body) && body.length > 0) return body;
  throw invalidField('', {
    id: 'Kirim berkas mutasi rekening sebagai isi permintaan.',
    en: 'Send the file of the statement as the body.',
  });
}
