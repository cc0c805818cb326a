import { participationStatuses } from '../database/status-words.ts';
import { campaignStatuses } from '../database/status-words.ts';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { viewCampaign } from '../campaigns/operations.ts';
import type { OperationDeps } from '../operation/deps.ts';
import type { LiveUpdates } from '../live/live-updates.ts';
import { DomainError } from '../errors/errors.ts';
import { idempotencyKeyOf, userOf } from '../http/authentication.ts';
import { cursorAfter, nextCursor } from '../http/cursor.ts';
import {
  choice,
  closed,
  Id,
  nullable,
  pageOf,
  pageQuery,
  problems,
  Rupiah,
  text,
  Timestamp,
} from '../http/schemas.ts';
import { authorize } from '../identity/policy.ts';
import { paymentStates } from '../ledger/payments/payment-state.ts';
import { retryRead, runInTransaction } from '../operation/run.ts';
import { joinCounted, type JoinDeps } from './count-joins.ts';
import {
  cancelParticipation,
  changeParticipation,
  confirmParticipation,
  fulfilParticipation,
  joinRequestOf,
  viewParticipation,
} from './operations.ts';
import { viewOwnParticipations } from './mine.ts';
import { joinResultOf, ownParticipationOf, participationOf } from './participation.ts';
import { progressOf } from './progress.ts';
import { progressById } from './queries.ts';
import { viewParticipants } from './participant-list.ts';
import { JoinFields } from './schemas.ts';

/** What the participation routes need from the running service. */
interface ParticipationDeps extends OperationDeps, JoinDeps {
  readonly live: LiveUpdates;
}

const params = closed({ id: Id });

const joinFields = {
  id: Id,
  campaign_id: Id,
  user_id: Id,
  quantity: Type.Integer(),
  status: choice(participationStatuses),
  shipping_address: Type.String(),
  note: nullable(Type.String()),
  joined_at: Timestamp,
  updated_at: Timestamp,
};
const JoinResultSchema = closed(joinFields, { title: 'JoinResult' });

export const ParticipationSchema = closed(
  {
    ...joinFields,
    delivered_quantity: Type.Integer({
      description:
        'Slots that the buyer gets: less than `quantity` after a shortfall, 0 once the participation is cancelled or refunded',
    }),
    payment_state: choice(paymentStates),
    amount_due: {
      ...Rupiah,
      description:
        'Whole rupiah to transfer now; includes the unique code once GET …/payment has assigned one',
    },
    pay_by: nullable(Timestamp),
    paid_amount: { ...Rupiah, description: 'Whole rupiah received for it' },
    refund_due_amount: { ...Rupiah, description: 'Whole rupiah still to refund' },
    refunded_amount: { ...Rupiah, description: 'Whole rupiah refunded' },
    hold_expires_at: nullable(Timestamp),
    confirmed_at: nullable(Timestamp),
    cancelled_at: nullable(Timestamp),
    refunded_at: nullable(Timestamp),
    fulfilled_at: nullable(Timestamp),
    cancel_reason: nullable(choice(['buyer', 'hold_lapsed', 'operator', 'unpaid'])),
  },
  { title: 'Participation' },
);

const OwnParticipationSchema = closed(
  {
    ...ParticipationSchema.properties,
    campaign_title: Type.String(),
    campaign_status: choice(campaignStatuses),
    brand_name: Type.String(),
  },
  { title: 'OwnParticipation' },
);

export const ProgressSchema = closed(
  {
    campaign_id: Id,
    status: choice(campaignStatuses),
    total_slots: Type.Integer(),
    filled_slots: Type.Integer(),
    available_slots: Type.Integer(),
    progress: Type.Number({ description: 'Percent, two decimals' }),
    participant_count: Type.Integer(),
    total_contribution: Rupiah,
  },
  { title: 'Progress' },
);

/** Routes of joins, participations and campaign progress. */
export function participationRoutes(app: ParticipationDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
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
          headers: Type.Object({
            'idempotency-key': Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
          }),
          body: closed({
            user_id: Type.Optional({
              ...Id,
              description: 'The buyer; required for service callers',
            }),
            ...JoinFields,
          }),
          response: {
            201: JoinResultSchema,
            ...problems(
              'campaign_not_found',
              'forbidden',
              'campaign_not_active',
              'campaign_closing',
              'deadline_passed',
              'slots_unavailable',
              'quantity_out_of_bounds',
              'idempotency_key_reused',
              'rate_limited',
              'campaign_busy',
              'outcome_unknown',
            ),
          },
        },
      },
      async (request, reply) => {
        const { user_id, quantity, shipping_address, note } = request.body;
        const caller = authorize(request.actor, 'participation.join');
        const wish = joinRequestOf(caller, request.params.id.toLowerCase(), {
          userId: userOf(caller, user_id),
          quantity,
          shippingAddress: shipping_address,
          note: note ?? undefined,
          key: idempotencyKeyOf(request),
        });
        const joined = await joinCounted(app, wish);
        return reply.code(201).send(joinResultOf(wish, joined));
      },
    );

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
            ...problems('forbidden', 'campaign_not_found'),
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

    server.get(
      '/campaigns/:id/progress',
      {
        schema: {
          tags: ['participations'],
          summary: 'Get the progress of a campaign',
          params,
          response: { 200: ProgressSchema, ...problems('campaign_not_found') },
        },
      },
      async (request) => {
        await viewCampaign(app.db, request.actor, request.params.id);
        const row = await retryRead(() => app.db.find(progressById, request.params.id));
        if (row === undefined) throw new DomainError('campaign_not_found', {});
        return progressOf(row);
      },
    );

    server.get(
      '/campaigns/:id/events',
      {
        config: { eventStream: true },
        // A HEAD request would open a stream that nothing ends.
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
            ...problems('campaign_not_found', 'rate_limited'),
          },
        },
      },
      async (request, reply) => {
        const campaign = await viewCampaign(app.db, request.actor, request.params.id);
        await app.live.watch(campaign.id, request, reply);
        return reply;
      },
    );

    server.get(
      '/participations',
      {
        schema: {
          tags: ['participations'],
          summary: "List the caller's participations, newest first, with the amounts due",
          description:
            'A service names the buyer in `user_id`. A due payment gets its account and unique code here, so `amount_due` is the exact amount to transfer.',
          querystring: closed({
            user_id: Type.Optional({ ...Id, description: 'Required for service callers' }),
            status: Type.Optional(choice(participationStatuses)),
            payment_state: Type.Optional(choice(paymentStates)),
            ...pageQuery,
          }),
          response: { 200: pageOf(OwnParticipationSchema), ...problems('forbidden') },
        },
      },
      async ({ actor, query }) => {
        const caller = authorize(actor, 'participation.join');
        const { user_id: named, status, payment_state: state, cursor, limit = 20 } = query;
        const [before = null] = cursorAfter(cursor, ['id']);
        const rows = await viewOwnParticipations(app.db, caller, userOf(caller, named), {
          statuses: status && [status],
          paymentStates: state && [state],
          before,
          limit: limit + 1,
        });
        return {
          items: rows.slice(0, limit).map(ownParticipationOf),
          next_cursor: nextCursor(rows, limit, (row) => [row.participation_id]),
        };
      },
    );

    server.get(
      '/participations/:id',
      {
        schema: {
          tags: ['participations'],
          summary: 'Get a participation',
          params,
          response: {
            200: ParticipationSchema,
            ...problems('participation_not_found'),
          },
        },
      },
      async (request) =>
        await retryRead(() => viewParticipation(app.db, request.actor, request.params.id)),
    );

    server.patch(
      '/participations/:id',
      {
        schema: {
          tags: ['participations'],
          summary: 'Correct the address, the note or the quantity of a participation',
          description:
            'Address and note: while it is `reserved` or `confirmed`. Fewer slots: while the campaign accepts joins; the payment for them is refunded. For more slots join again.',
          params,
          body: Type.Partial(closed(JoinFields), { additionalProperties: false, minProperties: 1 }),
          response: {
            200: ParticipationSchema,
            ...problems(
              ...changeCodes,
              'more_slots_by_joining',
              'quantity_out_of_bounds',
              'campaign_not_active',
              'payment_not_open',
            ),
          },
        },
      },
      async (request) => {
        const { quantity, shipping_address: shippingAddress, note } = request.body;
        const change = { quantity, shippingAddress, note };
        const { id } = request.params;
        return await runInTransaction(app.db, (tx) =>
          changeParticipation(tx, request.actor, id, change),
        );
      },
    );

    server.post(
      '/participations/:id/cancel',
      {
        schema: {
          tags: ['participations'],
          summary: 'Cancel a participation and release its slots',
          params,
          body: Type.Optional(closed({ reason: Type.Optional(text(1, 200)) })),
          response: { 200: ParticipationSchema, ...changeProblems },
        },
      },
      async (request) =>
        await runInTransaction(app.db, (tx) =>
          cancelParticipation(
            tx,
            request.actor,
            request.params.id,
            request.body?.reason?.trim() || null,
          ),
        ),
    );

    server.post(
      '/participations/:id/confirm',
      {
        schema: {
          tags: ['participations'],
          summary: 'Confirm that the payment was verified',
          params,
          body: Type.Optional(closed({ reference: Type.Optional(text(1, 200)) })),
          response: { 200: ParticipationSchema, ...problems(...changeCodes, 'installation_held') },
        },
      },
      async (request) =>
        await runInTransaction(app.db, (tx) =>
          confirmParticipation(
            tx,
            request.actor,
            request.params.id,
            request.body?.reference?.trim() || null,
          ),
        ),
    );

    server.post(
      '/participations/:id/fulfil',
      {
        schema: {
          tags: ['participations'],
          summary: 'Record that the goods were received',
          params,
          response: {
            200: ParticipationSchema,
            ...problems(
              'forbidden',
              'participation_not_found',
              'participation_not_paid',
              'participation_transition_not_allowed',
              'campaign_busy',
              'outcome_unknown',
            ),
          },
        },
      },
      async (request) =>
        await runInTransaction(app.db, (tx) =>
          fulfilParticipation(tx, request.actor, request.params.id),
        ),
    );
  };
}

const changeCodes = [
  'forbidden',
  'participation_not_found',
  'participation_transition_not_allowed',
  'campaign_closing',
  'deadline_passed',
  'campaign_busy',
  'outcome_unknown',
] as const;
const changeProblems = problems(...changeCodes);
