import { oneLine, openLines } from './open-lines.ts';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { DatabaseDeps } from '../../database/pool.ts';
import type { ApiServer } from '../../http/api-server.ts';
import { cursorAfter, nextCursor } from '../../http/cursor.ts';
import { closed, Id, pageOf, pageQuery, problems, RupiahInput, text } from '../../http/schemas.ts';
import { runInTransaction } from '../../operation/run.ts';
import { assignLine, divideLine, ignoreLine, settleLines } from './lines.ts';
import { statementLineOf, StatementLineSchema } from './schemas.ts';

const params = closed({ id: Id });
const Part = closed({ participation_id: Id, amount: Type.Integer({ ...RupiahInput, minimum: 1 }) });

/** Routes of the lines of bank statements, and of the payments that these lines pay. */
export function statementRoutes(app: DatabaseDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    listRoutes(server, app);
    assignmentRoutes(server, app);
    divisionRoutes(server, app);
  };
}

/** Routes that list the statement lines that a person must handle, and get one line. */
function listRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.get(
    '/statement-lines',
    {
      schema: {
        tags: ['money'],
        summary: 'List the open statement lines with their candidates',
        querystring: closed(pageQuery),
        response: { 200: pageOf(StatementLineSchema), ...problems(openLines) },
      },
    },
    async ({ actor, query: { cursor, limit = 20 } }) => {
      const [day, id = null] = cursorAfter(cursor, ['moment', 'id']);
      const from = day === undefined ? null : day.toISOString().slice(0, 10);
      const rows = await openLines(app.db, actor, [from, id], limit + 1);
      return {
        items: rows.slice(0, limit).map(statementLineOf),
        next_cursor: nextCursor(rows, limit, (row) => [
          new Date(`${row.booked_on}T00:00:00Z`),
          row.line_id,
        ]),
      };
    },
  );

  server.get(
    '/statement-lines/:id',
    {
      schema: {
        tags: ['money'],
        summary: 'Get a statement line',
        params,
        response: {
          200: StatementLineSchema,
          ...problems(oneLine),
        },
      },
    },
    async ({ actor, params: { id } }) => statementLineOf(await oneLine(app.db, actor, id)),
  );
}

/** Routes that assign a line to one participation, or ignore it. */
function assignmentRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.post(
    '/statement-lines/:id/assign',
    {
      schema: {
        tags: ['money'],
        summary: 'Allocate a statement line to a participation',
        description:
          'The line is settled at once if it pays the amount owed, together with other lines for the same participation; any excess is refunded. A smaller amount stays `allocated` and waits for another line; with `refund` it is refunded at once.',
        params,
        body: closed({
          participation_id: Id,
          refund: Type.Optional(Type.Boolean({ default: false })),
        }),
        response: {
          200: StatementLineSchema,
          ...problems(assignLine),
        },
      },
    },
    async ({ actor, params: { id }, body }) => {
      const participationId = body.participation_id.toLowerCase();
      const { refund = false } = body;
      const line = await runInTransaction(app.db, (tx) =>
        assignLine(tx, actor, id, { participationId, refund }),
      );
      return statementLineOf(line);
    },
  );

  server.post(
    '/statement-lines/:id/ignore',
    {
      schema: {
        tags: ['money'],
        summary: 'Mark a statement line as unrelated to any participation',
        params,
        body: closed({ reason: text(3, 500) }),
        response: {
          200: StatementLineSchema,
          ...problems(ignoreLine),
        },
      },
    },
    async ({ actor, params: { id }, body }) =>
      statementLineOf(
        await runInTransaction(app.db, (tx) => ignoreLine(tx, actor, id, body.reason.trim())),
      ),
  );
}

/** Routes that divide lines over participations, and settle divided lines. */
function divisionRoutes(server: ApiServer, app: DatabaseDeps): void {
  server.put(
    '/statement-lines/:id/parts',
    {
      schema: {
        tags: ['money'],
        summary: 'Divide a statement line over several participations, without settling it',
        description:
          'Replaces an earlier division; an empty list removes it. `POST /statement-lines/settle` settles the parts.',
        params,
        body: closed({ parts: Type.Array(Part, { maxItems: 50 }) }),
        response: {
          200: StatementLineSchema,
          ...problems(divideLine),
        },
      },
    },
    async ({ actor, params: { id }, body: { parts } }) => {
      const wanted = parts.map(({ participation_id, amount }) => ({
        participationId: participation_id.toLowerCase(),
        amount: BigInt(amount),
      }));
      return statementLineOf(
        await runInTransaction(app.db, (tx) => divideLine(tx, actor, id, wanted)),
      );
    },
  );

  server.post(
    '/statement-lines/settle',
    {
      schema: {
        tags: ['money'],
        summary: 'Settle divided statement lines, all or none',
        description:
          'The parts of several lines for one participation are added up. The rest of a line is added to its first part; what pays for nothing is refunded. A sum below the amount owed is refused, unless `refund` says to send it back.',
        body: closed({
          ids: Type.Array(Id, { minItems: 1, maxItems: 20 }),
          refund: Type.Optional(Type.Boolean({ default: false })),
        }),
        response: {
          200: closed({ items: Type.Array(StatementLineSchema) }),
          ...problems(settleLines),
        },
      },
    },
    async ({ actor, body: { ids, refund = false } }) => {
      const wanted = ids.map((id) => id.toLowerCase());
      const lines = await runInTransaction(app.db, (tx) => settleLines(tx, actor, wanted, refund));
      return { items: lines.map(statementLineOf) };
    },
  );
}
