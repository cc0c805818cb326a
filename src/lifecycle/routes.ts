import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { CampaignSchema } from '../campaigns/schemas.ts';
import type { ApiServer } from '../http/api-server.ts';
import {
  choice,
  closed,
  Id,
  nullable,
  problems,
  Rupiah,
  text,
  Timestamp,
} from '../http/schemas.ts';
import { authorize } from '../identity/policy.ts';
import { preview } from '../operation/run.ts';
import { callOff, decide, extend, publish, ship, type LifecycleDeps } from './changes.ts';
import { previewCancellation } from './operations.ts';
import { extension, reason } from './schemas.ts';
import type { Run, Scheduler, SchedulerStatus } from './scheduler.ts';

/** Dependencies of the lifecycle routes. */
interface LifecycleRouteDeps extends LifecycleDeps {
  readonly scheduler: Scheduler;
}

const params = closed({ id: Id });

const RunSchema = closed(
  {
    executed_at: Timestamp,
    transitions: Type.Array(
      closed({
        campaign_id: Id,
        event: Type.String(),
        timestamp: Timestamp,
        slots_taken: Type.Integer(),
        total_slots: Type.Integer(),
      }),
    ),
  },
  { title: 'LifecycleRun' },
);

const StatusSchema = closed(
  {
    is_running: Type.Boolean(),
    next_run_time: nullable(Timestamp),
    interval_minutes: Type.Number(),
    last_run: nullable(RunSchema),
    failure: nullable(Type.String({ description: 'The reason why it does not run' })),
  },
  { title: 'SchedulerStatus' },
);

const CancellationSchema = closed(
  {
    participants: Type.Integer(),
    slots: Type.Integer(),
    waiting: Type.Integer({ description: 'Buyers on the waiting list; their entries end' }),
    refunds: Type.Integer({ description: 'Number of refunds' }),
    refund_total: Rupiah,
  },
  { title: 'CancellationPreview' },
);

/** Routes of a campaign's lifecycle and of the scheduler's status. */
export function lifecycleRoutes(app: LifecycleRouteDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    transitionRoutes(server, app);
    cancellationRoutes(server, app);
    decisionRoute(server, app);
    schedulerRoutes(server, app);
  };
}

/** Routes that publish, extend and ship a campaign. */
function transitionRoutes(server: ApiServer, app: LifecycleRouteDeps): void {
  server.post(
    '/campaigns/:id/publish',
    {
      schema: {
        tags: ['campaigns'],
        summary: 'Open an inactive or scheduled campaign now',
        params,
        response: {
          200: CampaignSchema,
          ...problems(publish),
        },
      },
    },
    async ({ actor, params: { id } }) => await publish(app, actor, id),
  );

  server.post(
    '/campaigns/:id/extend',
    {
      schema: {
        tags: ['campaigns'],
        summary: 'Move the deadline of an active or full campaign to a later time',
        params,
        body: closed(extension),
        response: {
          200: CampaignSchema,
          ...problems(extend),
        },
      },
    },
    async ({ actor, params: { id }, body }) =>
      await extend(app, actor, id, { deadline: new Date(body.deadline), reason: body.reason }),
  );

  server.post(
    '/campaigns/:id/ship',
    {
      schema: {
        tags: ['campaigns'],
        summary: 'Record that the goods of a completed campaign were shipped',
        description:
          'Notifies the buyers and reminds them before `received_after`; after that a paid order without an answer of the buyer counts as received. A dispute stops that. The waiting list ends; open offers can still be paid. Idempotent.',
        params,
        response: { 200: CampaignSchema, ...problems(ship) },
      },
    },
    async ({ actor, params: { id } }) => await ship(app, actor, id),
  );
}

/** Routes that cancel a campaign, and preview the cancellation. */
function cancellationRoutes(server: ApiServer, app: LifecycleRouteDeps): void {
  server.post(
    '/campaigns/:id/cancel',
    {
      schema: {
        tags: ['campaigns'],
        summary: 'Cancel a campaign; every participant is refunded',
        description:
          'After the response the campaign accepts no joins. With very many participants `is_closing` may still be true: the refunds continue in the background and then end the campaign.',
        params,
        body: closed({ reason }),
        response: { 200: CampaignSchema, ...problems(callOff) },
      },
    },
    async ({ actor, params: { id }, body }) => await callOff(app, actor, id, body.reason),
  );

  server.post(
    '/campaigns/:id/cancel/preview',
    {
      config: { idempotency: 'preview' },
      schema: {
        tags: ['campaigns'],
        summary: 'Preview a cancellation; changes nothing',
        params,
        response: {
          200: CancellationSchema,
          ...problems(previewCancellation),
        },
      },
    },
    async ({ actor, params: { id } }) => {
      const expected = await preview(app.db, (tx) => previewCancellation(tx, actor, id));
      const { campaign, refunds, amount } = expected;
      return {
        participants: campaign.participant_count,
        slots: campaign.slots_taken,
        waiting: campaign.waiting_count,
        refunds,
        refund_total: amount,
      };
    },
  );
}

/**
 * Route with which a person decides about a completed campaign with fewer paid slots than its
 * minimum.
 */
function decisionRoute(server: ApiServer, app: LifecycleRouteDeps): void {
  server.post(
    '/campaigns/:id/decision',
    {
      schema: {
        tags: ['campaigns'],
        summary: 'Continue or cancel a batch below its minimum',
        description:
          'Possible while `decision_until` is set: fewer slots than `minimum_slots` were paid after the last payment was due. Until then only the seller decides; afterwards an operator may too. Cancelling refunds all payments.',
        params,
        body: closed({
          decision: choice(['continue', 'cancel']),
          note: Type.Optional(nullable(text(3, 500))),
        }),
        response: {
          200: CampaignSchema,
          ...problems(decide),
        },
      },
    },
    async ({ actor, params: { id }, body }) =>
      await decide(app, actor, id, {
        goesOn: body.decision === 'continue',
        note: body.note ?? null,
      }),
  );
}

/** Routes that run the lifecycle and the scheduler, and show its status. */
function schedulerRoutes(server: ApiServer, app: LifecycleRouteDeps): void {
  server.post(
    '/lifecycle/run',
    {
      config: { idempotency: 'none' },
      schema: {
        tags: ['operations'],
        summary:
          'Run the lifecycle now: open, complete and fail all campaigns that are due or full',
        description:
          'Runs every step of a scheduler sweep: it also marks shipped orders without an answer as received after their time, and deletes expired rows.',
        response: { 200: RunSchema, ...problems(authorize, 'clock_skewed') },
      },
    },
    async ({ actor }) => {
      authorize(actor, 'lifecycle.run');
      return runOf(await app.scheduler.sweep());
    },
  );

  server.get(
    '/scheduler/status',
    {
      schema: {
        tags: ['operations'],
        summary: 'Get the scheduler status of the answering process',
        response: { 200: StatusSchema, ...problems(authorize) },
      },
    },
    async ({ actor }) => {
      authorize(actor, 'scheduler.read');
      return statusOf(app.scheduler.status());
    },
  );

  server.post(
    '/scheduler/trigger',
    {
      config: { idempotency: 'none' },
      schema: {
        tags: ['operations'],
        summary: 'Run a scheduler sweep now',
        response: { 200: RunSchema, ...problems(authorize, 'clock_skewed') },
      },
    },
    async ({ actor }) => {
      authorize(actor, 'scheduler.trigger');
      return runOf(await app.scheduler.sweep());
    },
  );
}

function runOf({ executedAt, transitions }: Run) {
  return {
    executed_at: executedAt,
    transitions: transitions.map(({ campaignId, event, at, slotsTaken, totalSlots }) => ({
      campaign_id: campaignId,
      event,
      timestamp: at,
      slots_taken: slotsTaken,
      total_slots: totalSlots,
    })),
  };
}

function statusOf(status: SchedulerStatus) {
  return {
    is_running: status.isRunning,
    next_run_time: status.nextRunTime,
    interval_minutes: status.intervalMinutes,
    last_run: status.lastRun && runOf(status.lastRun),
    failure: status.failure,
  };
}
