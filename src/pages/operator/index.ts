import type { PageDeps } from '../deps.ts';
import type { PagePlugin } from '../../http/page-response.ts';
import { operatorCampaigns } from './campaigns.ts';
import { operatorClaims } from './money/overpaid-refunds.ts';
import { operatorDisputes } from './money/disputes.ts';
import { operatorLog } from './log.ts';
import { operatorOverview } from './overview.ts';
import { operatorParticipations } from './participations.ts';
import { operatorPeople } from './people.ts';
import { operatorPayments } from './money/payments.ts';
import { operatorPayouts } from './money/payouts.ts';
import { operatorAccounts } from './money/receiving-accounts.ts';
import { operatorRefunds } from './money/refunds.ts';
import { operatorStatements } from './statements/statements.ts';

/** Registers the pages for operators. */
export function operatorPages(app: PageDeps): PagePlugin {
  return async (server) => {
    for (const part of [
      operatorOverview(app),
      operatorCampaigns(app),
      operatorParticipations(app),
      operatorPayments(app),
      operatorStatements(app),
      operatorAccounts(app),
      operatorRefunds(app),
      operatorPayouts(app),
      operatorClaims(app),
      operatorDisputes(app),
      operatorLog(app),
      operatorPeople(app),
    ]) {
      await server.register(part);
    }
  };
}
