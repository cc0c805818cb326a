import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '../../context.ts';
import { invalidField, type DomainError } from '../../errors.ts';
import { after, nextCursor } from '../../http/cursor.ts';
import { formReader, taken } from '../../http/forms.ts';
import { choice, closed, Id } from '../../http/schemas.ts';
import { seeOther, type Pages } from '../../http/site.ts';
import { readFormWithFile, takeUploads } from '../../http/uploads.ts';
import { permit } from '../../identity/policy.ts';
import { receivingAccounts } from '../../ledger/accounts.ts';
import { StatementRefused } from '../../ledger/bank-statements/parse.ts';
import { openLines, subjectsOf } from '../../ledger/desk.ts';
import {
  readStatementFile,
  statementFormats,
  statementLimitBytes,
} from '../../ledger/statement-file.ts';
import type { StatementLineRow } from '../../ledger/statement-queries.ts';
import {
  assignLine,
  ignoreLine,
  importStatement,
  permitImport,
  previewStatement,
} from '../../ledger/statements.ts';
import { consult, operate } from '../../operation.ts';
import { notice, paging } from '../../web/components.ts';
import { count } from '../../web/format.ts';
import { html, type Html } from '../../web/html.ts';
import { sendOperatorPage } from './frame.ts';
import { asked, newsOf, params, readReason, refusal, said, told } from './money-parts.ts';
import { paymentParts } from './payments.ts';
import { importForm, openList, previewPart } from './statement-parts.ts';

const section = '/operator/pembayaran';
const here = `${section}/mutasi`;
const pageSize = 20;
const readImport = formReader(closed({ account: Id, format: choice(statementFormats) }));
const readTarget = formReader(closed({ participation_id: Id }));
const tooLarge = {
  id: 'Berkas maksimal 2 MB. Pilih rentang tanggal yang lebih pendek.',
  en: 'A file may have 2 MB at most. Please take a shorter range of days.',
};

/** Bank statements: preview, apply, and the transfers that wait for a person. */
export function operatorStatements(app: App): Pages {
  return async (server) => {
    takeUploads(server, { fileBytes: statementLimitBytes, fieldBytes: 2 * statementLimitBytes });

    const show = async (request: FastifyRequest, reply: FastifyReply, refused?: DomainError) => {
      const { visit } = request;
      const { actor } = visit;
      permit(actor, 'statement.import');
      const [day, id = null] = after(asked(request, 'cursor'), ['moment', 'id']);
      const from = day === undefined ? null : day.toISOString().slice(0, 10);
      const { accounts, lines, subjects } = await consult(async () => {
        const found = await openLines(app.db, actor, [from, id], pageSize + 1);
        const ids = found.flatMap(({ candidates }) => candidates);
        return {
          accounts: await receivingAccounts(app.db, actor),
          lines: found,
          subjects: await subjectsOf(app.db, actor, ids),
        };
      });
      const next = nextCursor(lines, pageSize, (row) => [
        new Date(`${row.booked_on}T00:00:00Z`),
        row.line_id,
      ]);
      const body = html`${paymentParts(visit, here)}${newsOf(request)}${imported(request)}
      ${refusal(visit, refused)} ${importForm(visit, here, accounts)}
      ${openList(visit, here, { lines: lines.slice(0, pageSize), subjects, accounts })}
      ${paging(visit, {
        first: day === undefined ? undefined : visit.url(here),
        next: next === null ? undefined : visit.url(`${here}?cursor=${next}`),
      })}`;
      const title = visit.t('Mutasi bank', 'Bank statements');
      const page = { title, at: section, body } as const;
      return sendOperatorPage(request, reply, page, refused?.status ?? 200);
    };

    server.get(here, async (request, reply) => show(request, reply));

    server.post(here, async (request, reply) => {
      const { visit } = request;
      permit(visit.actor, 'statement.import');
      const done = await taken(async () => {
        const { fields, file: bytes } = await readFormWithFile(request, 'statement', tooLarge);
        const { account, format } = said(readImport(fields));
        await consult(() => permitImport(app.db, visit.actor, account));
        const file = await readStatementFile(chosen(bytes), format);
        const lines = await consult(() => previewStatement(app.db, visit.actor, account, file));
        const found = lines.map(({ participation_id }) => participation_id).slice(0, 500);
        const subjects = await consult(() => subjectsOf(app.db, visit.actor, found));
        const packed = (await packs(bytes!)).toString('base64');
        return { account, format, packed, lines, skipped: file.skipped, subjects };
      });
      if ('refused' in done) return await show(request, reply, done.refused);
      const title = visit.t('Pratinjau mutasi', 'Preview of the statement');
      const body = html`${paymentParts(visit, here)}${previewPart(visit, here, done.done)}`;
      return sendOperatorPage(request, reply, { title, at: section, body });
    });

    server.post(`${here}/terapkan`, async (request, reply) => {
      const { actor } = request.visit;
      permit(actor, 'statement.import');
      const done = await taken(async () => {
        const { fields } = await readFormWithFile(request, 'statement', tooLarge);
        const { packed = '', ...rest } = fields;
        const { account, format } = said(readImport(rest));
        const file = await readStatementFile(await unpacked(packed), format);
        return await importStatement(app.db, actor, account, file);
      });
      if ('refused' in done) return await show(request, reply, done.refused);
      const { added, matched, unmatched, ambiguous } = done.done;
      for (const line of matched) poke(app, line);
      const numbers = [added, matched.length, unmatched + ambiguous].join('.');
      return seeOther(request, reply, `${here}?masuk=${numbers}`);
    });

    server.post(`${here}/:id/tujuan`, { schema: { params } }, async (request, reply) => {
      const { actor } = request.visit;
      permit(actor, 'statement.import');
      const { id } = request.params;
      const done = await taken(async () => {
        const target = said(readTarget(request.body)).participation_id.toLowerCase();
        return await operate(app.db, (tx) => assignLine(tx, actor, id, target));
      });
      if ('refused' in done) return await show(request, reply, done.refused);
      poke(app, done.done);
      return seeOther(request, reply, told(here, 'dipasangkan'));
    });

    server.post(`${here}/:id/sisihkan`, { schema: { params } }, async (request, reply) => {
      const { actor } = request.visit;
      permit(actor, 'statement.import');
      const { id } = request.params;
      const done = await taken(async () => {
        const { reason } = said(readReason(request.body));
        return await operate(app.db, (tx) => ignoreLine(tx, actor, id, reason.trim()));
      });
      return 'refused' in done
        ? await show(request, reply, done.refused)
        : seeOther(request, reply, told(here, 'disisihkan'));
    });
  };
}

/** A statement travels through its preview packed: the page stays small, and no file is kept. */
const packs = promisify(gzip);
const unpacks = promisify(gunzip);

async function unpacked(packed: string): Promise<Buffer> {
  try {
    const bytes = Buffer.from(packed, 'base64');
    return (await unpacks(bytes, { maxOutputLength: statementLimitBytes })) as Buffer;
  } catch {
    throw new StatementRefused('not_a_statement');
  }
}

function chosen(bytes: Buffer | undefined): Buffer {
  if (bytes !== undefined) return bytes;
  throw invalidField('statement', {
    id: 'Pilih berkas mutasi rekening.',
    en: 'Choose the file of the statement.',
  });
}

/** Tells those who watch the campaign that a transfer was counted for it. */
function poke(app: App, { campaign_id }: StatementLineRow): void {
  if (campaign_id !== null) app.pokes.poke(campaign_id);
}

/** What the import before this page did. */
function imported(request: FastifyRequest): Html | undefined {
  const { t, language } = request.visit;
  const numbers = /^(\d{1,6})\.(\d{1,6})\.(\d{1,6})$/.exec(asked(request, 'masuk') ?? '');
  if (numbers === null) return undefined;
  const [added = '', matched = '', open = ''] = numbers
    .slice(1)
    .map((number) => count(Number(number), language));
  return notice(
    'good',
    t('Mutasi diterapkan.', 'The statement is applied.'),
    t(
      `${added} transfer baru, ${matched} dipasangkan, ${open} menunggu kamu.`,
      `${added} new transfers, ${matched} matched, ${open} wait for you.`,
    ),
  );
}
