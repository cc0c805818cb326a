import { accountsErrors } from './tables/accounts.ts';
import { campaignsErrors } from './tables/campaigns.ts';
import { catalogueErrors } from './tables/catalogue.ts';
import { disputesErrors } from './tables/disputes.ts';
import { gatewayErrors } from './tables/gateway.ts';
import { httpErrors } from './tables/http.ts';
import { notificationsErrors } from './tables/notifications.ts';
import { participationsErrors } from './tables/participations.ts';
import { paymentsErrors } from './tables/payments.ts';
import { payoutsErrors } from './tables/payouts.ts';
import { serviceErrors } from './tables/service.ts';
import { statementsErrors } from './tables/statements.ts';
import { waitingErrors } from './tables/waiting.ts';
import type { ErrorDefinition } from './tables/definition.ts';

/**
 * Every error that the service can return. Clients depend on the codes, so a code never changes its
 * meaning. docs/errors.md explains each code. Each code is in one table only.
 */
export const errorTable = {
  ...httpErrors,
  ...serviceErrors,
  ...accountsErrors,
  ...catalogueErrors,
  ...campaignsErrors,
  ...participationsErrors,
  ...waitingErrors,
  ...paymentsErrors,
  ...statementsErrors,
  ...payoutsErrors,
  ...disputesErrors,
  ...gatewayErrors,
  ...notificationsErrors,
} as const;

export type ErrorCode = keyof typeof errorTable;
/** The type of the parameters of an error code. The response contains them as `params`. */
export type ErrorParams<C extends ErrorCode> =
  (typeof errorTable)[C] extends ErrorDefinition<infer P> ? P : never;

export const errorCodes = Object.keys(errorTable) as ErrorCode[];
