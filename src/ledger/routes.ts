import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { App } from '../context.ts';
import { accountRoutes } from './bank-accounts/routes.ts';
import { claimRoutes } from './overpaid-refunds/routes.ts';
import { disputeRoutes } from './disputes/routes.ts';
import { gatewayRoutes } from './gateway/routes.ts';
import { importRoutes } from './bank-statements/import-routes.ts';
import { movementRoutes } from './movement-routes.ts';
import { paymentRoutes } from './payments/routes.ts';
import { shortfallRoutes } from './shortfall/routes.ts';
import { statementRoutes } from './bank-statements/routes.ts';

/** Money: accounts, payments, bank statements, refunds, payouts, books. */
export function ledgerRoutes(app: App): FastifyPluginAsyncTypebox {
  return async (server) => {
    await server.register(accountRoutes(app));
    await server.register(paymentRoutes(app));
    await server.register(importRoutes(app));
    await server.register(statementRoutes(app));
    await server.register(movementRoutes(app));
    await server.register(disputeRoutes(app));
    await server.register(shortfallRoutes(app));
    await server.register(claimRoutes(app));
    await server.register(gatewayRoutes(app));
  };
}
