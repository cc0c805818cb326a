import { participationStatuses } from '../database/status-words.ts';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { viewCampaign } from '../campaigns/operations.ts';
import type { DatabaseDeps } from '../database/pool.ts';
import type { LiveUpdates } from '../live/live-updates.ts';
import { DomainError } from '../errors/errors.ts';
import type { ApiServer } from '../http/api-server.ts';
import { idempotencyKeyOf, userOf } from '../http/authentication.ts';
import { cursorAfter, nextCursor } from '../http/cursor.ts';
import {
  choice,
  closed,
  Id,
  idempotencyKeyHeader,
  pageOf,
  pageQuery,
  problems,
  text,
} from '../http/schemas.ts';
import { authorize } from '../identity/policy.ts';
import { paymentStates } from '../ledger/payments/payment-state.ts';
import { joinCounted, type JoinDeps } from './count-joins.ts';
import { joinRequestOf } from './operations.ts';
import { joinResultOf, participationOf } from './participation.ts';
import { progressOf } from './progress.ts';
import { viewParticipants } from './participant-list.ts';
import { JoinFields, JoinResultSchema, ParticipationSchema, ProgressSchema } from './schemas.ts';
import { progressById } from './progress-queries.ts';

/** Dependencies of the routes of joins. */
interface JoinRouteDeps extends DatabaseDeps, JoinDeps {
  readonly live: LiveUpdates;
}

const params = closed({ id: Id });

/** Routes of a campaign: joins, its participants and its live progress. */
export function joinRoutes(app: JoinRouteDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    joinRoute(server, app);
    participantListRoute(server, app);
    progressRoutes(server, app);
  };
}

/** Route that joins a campaign. */
function joinRoute(server: ApiServer, app: JoinRouteDeps): void {
  server.post(
    '/campaigns/:id/join',
    {
      config: { joinAttempt: true, idempotency: 'own' },
      schema: {
        tags: ['participations'],
        summary: 'Join an active campaign',
        description:
          'Requests are processed in order of arrival. With an Idempotency-Key a request can be repeated after a time-out or a crash; it has one effect and one answer.',
        params,
        headers: idempotencyKeyHeader,
        body: closed({
          user_id: Type.Optional({
            ...Id,
            description: 'The buyer; required for service callers',
          }),
          ...JoinFields,
        }),
        response: {
          201: JoinResultSchema,
          ...problems(authorize, userOf, joinCounted),
        },
      },
    },
    async (request, reply) => {
      const { user_id, quantity, shipping_address, note } = request.body;
      const caller = authorize(request.actor, 'participation.join');
      const joinRequest = joinRequestOf(caller, request.params.id.toLowerCase(), {
        userId: userOf(caller, user_id),
        quantity,
        shippingAddress: shipping_address,
        note: note ?? undefined,
        key: idempotencyKeyOf(request),
      });
      const joined = await joinCounted(app, joinRequest);
      if (joined.replayed) reply.header('idempotency-replayed', 'true');
      return reply.code(201).send(joinResultOf(joinRequest, joined));
    },
  );
}

/** Route that lists the participants of a campaign. */
function participantListRoute(server: ApiServer, app: JoinRouteDeps): void {
  server.get(
    '/campaigns/:id/participants',
    {
      schema: {
        tags: ['participations'],
        summary:
          'List the participants of a campaign, with addresses; for its seller and operators',
        params,
        querystring: closed({
          status: Type.Optional(choice(participationStatuses)),
          payment_state: Type.Optional(choice(paymentStates)),
          q: Type.Optional({
            ...text(1, 100),
            description:
              'Words of name, e-mail address, address, note or id, or digits of a telephone number',
          }),
          ...pageQuery,
        }),
        response: {
          200: pageOf(ParticipationSchema),
          ...problems(viewParticipants),
        },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { status, payment_state: paymentState, q, cursor, limit = 20 } = request.query;
      const [last = null] = cursorAfter(cursor, ['id']);
      const input = { status, paymentState, search: q, after: last, limit: limit + 1 };
      const { rows } = await viewParticipants(app.db, request.actor, id, input);
      const items = rows.slice(0, limit).map(participationOf);
      return { items, next_cursor: nextCursor(rows, limit, (row) => [row.participation_id]) };
    },
  );
}

/**
 * Routes of a campaign's progress: the current progress as one response, and all changes as an
 * event stream.
 */
function progressRoutes(server: ApiServer, app: JoinRouteDeps): void {
  server.get(
    '/campaigns/:id/progress',
    {
      schema: {
        tags: ['participations'],
        summary: 'Get the progress of a campaign',
        params,
        response: { 200: ProgressSchema, ...problems(viewCampaign) },
      },
    },
    async (request) => {
      await viewCampaign(app.db, request.actor, request.params.id);
      const row = await app.db.find(progressById, request.params.id);
      if (row === undefined) throw new DomainError('campaign_not_found', {});
      return progressOf(row);
    },
  );

  server.get(
    '/campaigns/:id/events',
    {
      config: { eventStream: true },
      // There is no HEAD route, because a HEAD request would open an event stream that is never
      // closed.
      exposeHeadRoute: false,
      schema: {
        tags: ['participations'],
        summary: 'Stream live progress and status as server-sent events',
        description:
          'Events `progress` (as GET …/progress), `contributions` (the latest joins, one letter of each name) and `status` (a transition of the campaign). The id of an event is its sequence number in the audit log. Send the last one as Last-Event-ID to continue after it.',
        params,
        headers: Type.Object({ 'last-event-id': Type.Optional(Type.String()) }),
        produces: ['text/event-stream'],
        response: {
          200: { content: { 'text/event-stream': { schema: Type.String() } } },
          ...problems(viewCampaign, 'rate_limited'),
        },
      },
    },
    async (request, reply) => {
      const campaign = await viewCampaign(app.db, request.actor, request.params.id);
      await app.live.watch(campaign.id, request, reply);
      return reply;
    },
  );
}
