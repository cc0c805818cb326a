import { campaignsVariables } from './variables/campaigns.ts';
import { identityVariables } from './variables/identity.ts';
import { messagesVariables } from './variables/messages.ts';
import { observabilityVariables } from './variables/observability.ts';
import { paymentsVariables } from './variables/payments.ts';
import { publicLogVariables } from './variables/public-log.ts';
import { serverVariables } from './variables/server.ts';

export { logLevels, type LogLevel } from './variables/observability.ts';
export type { Variable } from './variables/variable.ts';

/** All variables that the service reads, in the order of `.env.example`. */
export const variables = {
  ...serverVariables,
  ...campaignsVariables,
  ...identityVariables,
  ...messagesVariables,
  ...paymentsVariables,
  ...publicLogVariables,
  ...observabilityVariables,
} as const;
