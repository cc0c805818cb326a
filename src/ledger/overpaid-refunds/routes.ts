import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { OperationDeps } from '../../operation/deps.ts';
import { nextCursor } from '../../http/cursor.ts';
import { closed, Id, pageOf, pageQuery, problems, text } from '../../http/schemas.ts';
import { consult, operate } from '../../operation/run.ts';
import { giveUpClaim, openClaims, settleClaim } from './operations.ts';
import { claimOf, ClaimSchema, placeOf } from '../schemas.ts';

const params = closed({ id: Id });
const claimProblems = [
  'forbidden',
  'campaign_busy',
  'outcome_unknown',
  'movement_not_found',
  'movement_transition_not_allowed',
] as const;

/** What buyers are to send back, because a refund reached them twice. */
export function claimRoutes(app: OperationDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    server.get(
      '/claims',
      {
        schema: {
          tags: ['money'],
          summary: 'Refunds that were made twice and are to come back, the oldest first',
          querystring: closed(pageQuery),
          response: { 200: pageOf(ClaimSchema), ...problems('forbidden') },
        },
      },
      async ({ actor, query: { cursor, limit = 20 } }) => {
        const place = placeOf(cursor);
        const rows = await consult(() => openClaims(app.db, actor, place, limit + 1));
        return {
          items: rows.slice(0, limit).map(claimOf),
          next_cursor: nextCursor(rows, limit, (row) => [Number(row.position), row.transaction_id]),
        };
      },
    );

    server.post(
      '/claims/:id/settle',
      {
        schema: {
          tags: ['money'],
          summary: 'What was refunded twice has come back, also after it was given up',
          params,
          body: closed({ reference: text(1, 200) }),
          response: { 200: ClaimSchema, ...problems(...claimProblems, 'installation_held') },
        },
      },
      async ({ actor, params: { id }, body }) => {
        const row = await operate(app.db, (tx) =>
          settleClaim(tx, actor, id, body.reference.trim()),
        );
        return claimOf(row);
      },
    );

    server.post(
      '/claims/:id/give-up',
      {
        schema: {
          tags: ['money'],
          summary: 'What was refunded twice will not come back: it is the platform’s loss',
          params,
          body: closed({ reason: text(3, 500) }),
          response: { 200: ClaimSchema, ...problems(...claimProblems) },
        },
      },
      async ({ actor, params: { id }, body }) => {
        const row = await operate(app.db, (tx) => giveUpClaim(tx, actor, id, body.reason.trim()));
        return claimOf(row);
      },
    );
  };
}
