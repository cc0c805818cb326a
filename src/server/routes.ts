import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { accountRoutes } from '../accounts/routes.ts';
import { campaignRoutes } from '../campaigns/routes.ts';
import { catalogueRoutes, memberRoutes } from '../catalogue/routes.ts';
import type { App } from '../context.ts';
import { ledgerRoutes } from '../ledger/routes.ts';
import { lifecycleRoutes } from '../lifecycle/routes.ts';
import { messageRoutes, webhookRoutes } from '../notifications/routes.ts';
import { participationRoutes } from '../participations/routes.ts';
import { waitingRoutes } from '../waiting/routes.ts';

/** The routes of every slice, for buildServer. */
export function routesOf(app: App): FastifyPluginAsyncTypebox[] {
  return [
    accountRoutes(app),
    catalogueRoutes(app),
    memberRoutes(app),
    campaignRoutes(app),
    participationRoutes(app),
    waitingRoutes(app),
    ledgerRoutes(app),
    lifecycleRoutes(app),
    messageRoutes(app),
    webhookRoutes(app),
  ];
}
