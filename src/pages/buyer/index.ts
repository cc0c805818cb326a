import type { PageDeps } from '../deps.ts';
import type { PagePlugin } from '../../http/page-response.ts';
import { answerPages } from './answers.ts';
import { changePages } from './change.ts';
import { joinPages } from '../campaign/join.ts';
import { minePages } from './mine.ts';
import { offerPages } from './offer.ts';
import { participationPages } from './participation.ts';
import { receiptPages } from './receipt.ts';
import { reminderPages } from '../campaign/reminder.ts';
import { waitingPages } from '../campaign/waiting.ts';

/**
 * Registers the pages and forms for buyers: joining, orders, payment, disputes, waiting lists,
 * offers and reminders.
 */
export function buyerPages(app: PageDeps): PagePlugin {
  return async (server) => {
    for (const part of [
      joinPages(app),
      minePages(app),
      changePages(app),
      participationPages(app),
      receiptPages(app),
      answerPages(app),
      waitingPages(app),
      offerPages(app),
      reminderPages(app),
    ]) {
      await server.register(part);
    }
  };
}
