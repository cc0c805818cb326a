import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { accountRoutes } from '../accounts/routes.ts';
import { campaignRoutes } from '../campaigns/routes.ts';
import { brandRoutes } from '../catalogue/brand-routes.ts';
import { memberRoutes } from '../catalogue/member-routes.ts';
import { productRoutes } from '../catalogue/product-routes.ts';
import { importRoutes } from '../ledger/bank-statements/import-routes.ts';
import { statementRoutes } from '../ledger/bank-statements/routes.ts';
import { bankAccountRoutes } from '../ledger/bank-accounts/routes.ts';
import { disputeRoutes } from '../ledger/disputes/routes.ts';
import { gatewayRoutes } from '../ledger/gateway/routes.ts';
import { booksRoutes } from '../ledger/books/routes.ts';
import { payoutRoutes } from '../ledger/payouts/routes.ts';
import { refundRoutes } from '../ledger/refunds/routes.ts';
import { overpaidRefundRoutes } from '../ledger/overpaid-refunds/routes.ts';
import { paymentRoutes } from '../ledger/payments/routes.ts';
import { shortfallRoutes } from '../ledger/shortfall/routes.ts';
import { lifecycleRoutes } from '../lifecycle/routes.ts';
import { messageRoutes } from '../notifications/message-routes.ts';
import { webhookRoutes } from '../notifications/webhook-routes.ts';
import { logProofRoutes } from '../participations/log-routes.ts';
import { joinRoutes } from '../participations/join-routes.ts';
import { participationRoutes } from '../participations/routes.ts';
import { publicLogRoutes } from '../public-log/routes.ts';
import { waitingRoutes } from '../waiting/routes.ts';

/** The dependencies of the routes of all slices. */
export type RouteDeps = Parameters<typeof accountRoutes>[0] &
  Parameters<typeof memberRoutes>[0] &
  Parameters<typeof campaignRoutes>[0] &
  Parameters<typeof joinRoutes>[0] &
  Parameters<typeof logProofRoutes>[0] &
  Parameters<typeof lifecycleRoutes>[0] &
  Parameters<typeof messageRoutes>[0] &
  Parameters<typeof webhookRoutes>[0] &
  Parameters<typeof bankAccountRoutes>[0] &
  Parameters<typeof importRoutes>[0] &
  Parameters<typeof refundRoutes>[0] &
  Parameters<typeof gatewayRoutes>[0];

/** Returns the API routes of all slices, for buildServer. */
export function apiRoutes(app: RouteDeps): FastifyPluginAsyncTypebox[] {
  return [
    accountRoutes(app),
    brandRoutes(app),
    productRoutes(app),
    memberRoutes(app),
    campaignRoutes(app),
    publicLogRoutes(app),
    joinRoutes(app),
    participationRoutes(app),
    logProofRoutes(app),
    waitingRoutes(app),
    bankAccountRoutes(app),
    paymentRoutes(app),
    importRoutes(app),
    statementRoutes(app),
    refundRoutes(app),
    payoutRoutes(app),
    booksRoutes(app),
    disputeRoutes(app),
    shortfallRoutes(app),
    overpaidRefundRoutes(app),
    gatewayRoutes(app),
    lifecycleRoutes(app),
    messageRoutes(app),
    webhookRoutes(app),
  ];
}
