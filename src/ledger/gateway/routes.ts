import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { Logger } from 'pino';
import type { Reconciler } from './reconcile.ts';
import type { ApiServer } from '../../http/api-server.ts';
import { choice, closed, Id, nullable, problems } from '../../http/schemas.ts';
import { authorize } from '../../identity/policy.ts';
import { handleNotification } from './notifications.ts';
import { type GatewayDeps, requireGateway } from './deps.ts';
import { payOnline } from './orders.ts';
import { reportDuplicateRefund } from './refund-calls.ts';

/** Dependencies of the provider routes. */
interface GatewayRouteDeps {
  readonly log: Logger;
  readonly payments: GatewayDeps;
  readonly reconciler: Reconciler;
}

const Reconciled = closed({
  sent: Type.Integer({ description: 'Refunds sent to the provider' }),
  closed: Type.Integer({ description: 'Orders and refunds whose outcome is now known' }),
  open: Type.Integer({ description: 'Queries without a final outcome' }),
  stopped: nullable(choice(['held', 'provider_away'])),
});

/**
 * The signature of a notification and the fields that it protects. The provider sends more fields,
 * and may add new ones.
 */
const Notification = Type.Object(
  {
    order_id: Type.String(),
    status_code: Type.String(),
    gross_amount: Type.String(),
    signature_key: Type.String(),
  },
  { additionalProperties: true },
);

/** Routes for online payments and the provider's notifications. */
export function gatewayRoutes(app: GatewayRouteDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    payOnlineRoute(server, app);
    providerRoutes(server, app);
  };
}

/** Route with which a buyer starts an online payment. */
function payOnlineRoute(server: ApiServer, app: GatewayRouteDeps): void {
  server.post(
    '/participations/:id/pay-online',
    {
      schema: {
        tags: ['money'],
        summary:
          "Start an online payment; returns the provider's page, the same one while it is valid",
        params: closed({ id: Id }),
        response: {
          200: closed({ redirect_url: Type.String() }),
          ...problems(payOnline),
        },
      },
    },
    async ({ actor, params: { id } }) => ({
      redirect_url: await payOnline(app.payments, actor, id),
    }),
  );
}

/**
 * Routes that receive the provider's notifications, and that ask the provider for the status of
 * payments.
 */
function providerRoutes(server: ApiServer, app: GatewayRouteDeps): void {
  server.post(
    '/gateway/midtrans/notifications',
    {
      config: { idempotency: 'none', isSigned: true },
      // The limit leaves space for the provider's other fields. Real notifications have 1 to 2 KB.
      bodyLimit: 16_384,
      schema: {
        tags: ['money'],
        summary: 'Receive a notification of Midtrans; its signature is the authentication',
        description:
          'The service queries the provider for the status of the order before it applies the notification. A known status is answered with 200.',
        body: Notification,
        response: {
          200: closed({ received: Type.Literal(true) }),
          ...problems(handleNotification),
        },
      },
    },
    async ({ body }) => {
      for (const refund of await handleNotification(app.payments, body)) {
        reportDuplicateRefund(app.log, refund);
      }
      return { received: true as const };
    },
  );

  server.post(
    '/gateway/reconcile',
    {
      config: { idempotency: 'none' },
      schema: {
        tags: ['operations'],
        summary: 'Query the provider now for all payments and refunds without a known outcome',
        response: { 200: Reconciled, ...problems(authorize, requireGateway) },
      },
    },
    async ({ actor }) => {
      authorize(actor, 'gateway.reconcile');
      requireGateway(app.payments);
      return await app.reconciler.run();
    },
  );
}
