import type { PageDeps } from '../deps.ts';
import type { PagePlugin } from '../../http/page-response.ts';
import { operatorCampaigns } from './campaigns.ts';
import { operatorClaims } from './overpaid-refunds.ts';
import { operatorDisputes } from './disputes.ts';
import { operatorLog } from './log.ts';
import { operatorOverview } from './overview.ts';
import { operatorParticipations } from './participations.ts';
import { operatorPeople } from './people.ts';
import { operatorPayments } from './payments.ts';
import { operatorPayouts } from './payouts.ts';
import { operatorAccounts } from './receiving-accounts.ts';
import { operatorRefunds } from './refunds.ts';
import { operatorStatements } from './statements.ts';

/** What operators see and override. */
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
