import type { FastifyReply, FastifyRequest } from 'fastify';
import type { PageDeps } from '../../deps.ts';
import type { DomainError } from '../../../errors/errors.ts';
import { cursorAfter } from '../../../http/cursor.ts';
import type { PagePlugin } from '../../../http/page-response.ts';
import { authorize } from '../../../identity/policy.ts';
import { receivingAccounts } from '../../../ledger/bank-accounts/operations.ts';
import { openLines } from '../../../ledger/bank-statements/open-lines.ts';
import { participationsById } from '../../../ledger/work-queues/work-queues.ts';
import { listImports } from '../../../ledger/bank-statements/import-queries.ts';
import { html } from '../../../web/html.ts';
import { sendOperatorPage } from '../kit/frame.ts';
import { importForm, importList } from './import-parts.ts';
import { flashMessage } from '../../kit/flash.ts';
import { queryParam } from '../../kit/params.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { paymentParts } from '../money/payments.ts';
import { statementImports } from './statement-imports.ts';
import { statementLines } from './statement-line.ts';
import { openList } from './statement-parts.ts';
import { cursorPage } from '../../kit/cursor-page.ts';

const statementsPath = '/operator/pembayaran/mutasi';
const pageSize = 20;
const latestImports = 5;

/**
 * Registers the page of bank statements, where operators import files and handle the lines that
 * were not matched automatically.
 */
export function operatorStatements(app: PageDeps): PagePlugin {
  return async (server) => {
    const show = async (request: FastifyRequest, reply: FastifyReply, refused?: DomainError) => {
      const { visit } = request;
      const { actor } = visit;
      authorize(actor, 'statement.import');
      const [day, id = null] = cursorAfter(queryParam(request, 'cursor'), ['moment', 'id']);
      const from = day === undefined ? null : day.toISOString().slice(0, 10);
      const lines = await openLines(app.db, actor, [from, id], pageSize + 1);
      const ids = lines.flatMap(({ candidates }) =>
        candidates.flatMap(({ parts }) => parts.map(({ participation_id }) => participation_id)),
      );
      const accounts = await receivingAccounts(app.db, actor);
      const imports = await app.db.rows(listImports, null, null, latestImports);
      const subjects = await participationsById(app.db, actor, ids);
      const list = cursorPage(visit, lines, {
        size: pageSize,
        url: visit.url(statementsPath),
        isFirst: day === undefined,
        cursorOf: (row) => [new Date(`${row.booked_on}T00:00:00Z`), row.line_id],
      });
      const body = html`${paymentParts(visit, statementsPath)}${flashMessage(request)}
      ${refusalNotice(visit, refused)} ${importForm(visit, statementsPath, accounts)}
      ${importList(visit, statementsPath, imports)}
      ${openList(visit, statementsPath, { lines: list.rows, subjects, accounts })} ${list.links}`;
      const title = visit.t('common.bankStatements');
      const page = { title, at: '/operator/pembayaran', body } as const;
      return sendOperatorPage(request, reply, page, refused?.status ?? 200);
    };

    server.get(statementsPath, async (request, reply) => show(request, reply));
    await server.register(statementImports(app, { listPath: statementsPath, show }));
    await server.register(statementLines(app, statementsPath));
  };
}
