import type { PageDeps } from '../deps.ts';
import type { PagePlugin } from '../../http/page-response.ts';
import { campaignPages } from '../campaign/campaign.ts';
import { homePages } from './home.ts';
import { sharePages } from '../campaign/share.ts';

/** What everybody sees: the campaigns, each of them, and what they are shared by. */
export function visitorPages(app: PageDeps): PagePlugin {
  return async (server) => {
    for (const part of [homePages(app), campaignPages(app), sharePages(app)]) {
      await server.register(part);
    }
  };
}
