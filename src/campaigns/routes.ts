import { campaignStatuses } from '../database/status-words.ts';
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import { listAudit } from '../audit/queries.ts';
import type { DatabaseDeps } from '../database/pool.ts';
import type { Config } from '../config/config.ts';
import type { ApiServer } from '../http/api-server.ts';
import { cursorAfter, nextCursor } from '../http/cursor.ts';
import { choice, closed, Id, pageOf, pageQuery, problems, text } from '../http/schemas.ts';
import { authorize } from '../identity/policy.ts';
import { runInTransaction } from '../operation/run.ts';
import { campaignOf, campaignSorts, defaultTerms } from './campaign.ts';
import { listVisible, summarizeCampaigns } from './lists.ts';
import {
  createCampaign,
  editCampaign,
  paymentRulesOf,
  authorizeOnCampaign,
  viewCampaign,
} from './operations.ts';
import {
  CampaignSchema,
  cursorParts,
  lastOf,
  LogEntrySchema,
  logEntryOf,
  termsOf,
  TermsSchema,
} from './schemas.ts';

/** Dependencies of the campaign routes. */
interface CampaignDeps extends DatabaseDeps {
  readonly config: Config;
}

const { title, total_slots, price_per_slot, deadline } = TermsSchema;
const params = closed({ id: Id });

/**
 * Routes of campaigns: create, edit, list and read them; their audit logs; the totals of the
 * dashboard.
 */
export function campaignRoutes(app: CampaignDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    createRoute(server, app);
    campaignRecordRoutes(server, app);
    activityRoutes(server, app);
  };
}

/** Route that creates a campaign. */
function createRoute(server: ApiServer, app: CampaignDeps): void {
  server.post(
    '/campaigns',
    {
      schema: {
        tags: ['campaigns'],
        summary: 'Create a campaign of a product that is enabled for Sambatan',
        body: closed({
          product_id: Id,
          title,
          total_slots,
          price_per_slot,
          deadline,
          description: Type.Optional(TermsSchema.description),
          minimum_slots: Type.Optional(TermsSchema.minimum_slots),
          min_slots_per_user: Type.Optional(TermsSchema.min_slots_per_user),
          max_slots_per_user: Type.Optional(TermsSchema.max_slots_per_user),
          opens_at: Type.Optional(TermsSchema.opens_at),
          payment_timing: Type.Optional(TermsSchema.payment_timing),
          hold_seconds: Type.Optional(TermsSchema.hold_seconds),
          publish: Type.Optional(
            Type.Boolean({ description: 'Open it at once instead of as a draft' }),
          ),
        }),
        response: {
          201: CampaignSchema,
          ...problems(createCampaign),
        },
      },
    },
    async (request, reply) => {
      const { product_id, publish = false, ...body } = request.body;
      const given = termsOf({ minimum_slots: body.total_slots, ...body });
      const terms = { ...defaultTerms, ...given };
      const payments = paymentRulesOf(app.config);
      const input = { ...terms, productId: product_id, publish, payments };
      const campaign = await runInTransaction(app.db, (tx) =>
        createCampaign(tx, request.actor, input),
      );
      return reply.code(201).send(campaign);
    },
  );
}

const jsonType = 'application/json; charset=utf-8';

/** Routes that list, get and change campaigns. */
function campaignRecordRoutes(server: ApiServer, app: CampaignDeps): void {
  // Concurrent callers with the same query get the same rows, which are then serialized only once.
  const pages = new WeakMap<object, string>();
  server.get(
    '/campaigns',
    {
      schema: {
        tags: ['campaigns'],
        summary: 'List published campaigns, or with status=inactive the drafts of a brand',
        querystring: closed({
          status: Type.Optional(choice(campaignStatuses)),
          brand_id: Type.Optional(Id),
          q: Type.Optional(text(1, 100)),
          sort: Type.Optional(choice(campaignSorts)),
          ...pageQuery,
        }),
        response: { 200: pageOf(CampaignSchema), ...problems(listVisible) },
      },
    },
    async (request, reply) => {
      const { brand_id: brandId, limit = 20, sort = 'newest', q: words, status } = request.query;
      const listQuery = { brandId, sort, words, status, after: lastOf(request.query.cursor, sort) };
      const rows = await listVisible(app.db, request.actor, { ...listQuery, limit: limit + 1 });
      let page = pages.get(rows);
      if (page === undefined) {
        const items = rows.slice(0, limit).map(campaignOf);
        const next_cursor = nextCursor(rows, limit, cursorParts[sort]);
        page = reply.serializeInput({ items, next_cursor }, '200') as string;
        pages.set(rows, page);
      }
      // A text is sent as it is, because the type is set.
      return reply.type(jsonType).send(page as never);
    },
  );

  server.get(
    '/campaigns/:id',
    {
      schema: {
        tags: ['campaigns'],
        summary: 'Get a campaign',
        params,
        response: { 200: CampaignSchema, ...problems(viewCampaign) },
      },
    },
    async (request) => await viewCampaign(app.db, request.actor, request.params.id),
  );

  server.patch(
    '/campaigns/:id',
    {
      schema: {
        tags: ['campaigns'],
        summary: 'Change a campaign: all terms until it opens, then title and description',
        params,
        body: Type.Partial(closed(TermsSchema), { additionalProperties: false }),
        response: {
          200: CampaignSchema,
          ...problems(editCampaign),
        },
      },
    },
    async (request) => {
      const change = termsOf(request.body);
      const { id } = request.params;
      const edited = await runInTransaction(app.db, (tx) =>
        editCampaign(tx, request.actor, id, change),
      );
      return edited;
    },
  );
}

/** Routes of a campaign's audit log and of the totals over all campaigns. */
function activityRoutes(server: ApiServer, app: CampaignDeps): void {
  server.get(
    '/campaigns/:id/logs',
    {
      schema: {
        tags: ['campaigns'],
        summary: 'List the audit log of a campaign, newest first',
        params,
        querystring: closed(pageQuery),
        response: { 200: pageOf(LogEntrySchema), ...problems(authorizeOnCampaign) },
      },
    },
    async (request) => {
      const { id } = request.params;
      const { cursor, limit = 20 } = request.query;
      const [before] = cursorAfter(cursor, ['number']);
      await authorizeOnCampaign(app.db, request.actor, 'campaign.logs.read', id);
      const start = before === undefined ? null : BigInt(before);
      const rows = await app.db.rows(listAudit, id, start, limit + 1);
      const items = rows.slice(0, limit).map(logEntryOf);
      return { items, next_cursor: nextCursor(rows, limit, (row) => [Number(row.seq)]) };
    },
  );

  server.get(
    '/dashboard/summary',
    {
      schema: {
        tags: ['operations'],
        summary: 'Get totals over all published campaigns',
        response: { 200: Summary, ...problems(authorize) },
      },
    },
    async (request) => {
      authorize(request.actor, 'dashboard.read');
      return await summarizeCampaigns(app.db);
    },
  );
}

const Summary = closed(
  {
    total_campaigns: Type.Integer(),
    active_campaigns: Type.Integer(),
    full_campaigns: Type.Integer(),
    completed_campaigns: Type.Integer(),
    failed_campaigns: Type.Integer(),
    total_slots_taken: Type.Integer(),
  },
  { title: 'Summary' },
);
