import type { Campaign } from '../../campaigns/campaign.ts';
import type { PageDeps } from '../deps.ts';
import { userOf } from '../../http/authentication.ts';
import { closed, Id } from '../../http/schemas.ts';
import { redirect, type PagePlugin } from '../../http/page-response.ts';
import { authorize } from '../../identity/policy.ts';
import { askReminder, dropReminder } from '../../notifications/operations.ts';
import { runInTransaction } from '../../operation/run.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';
import { requirePerson } from '../kit/signed-in.ts';

const schema = { params: closed({ id: Id }) };
const verbs = [
  ['ingatkan', askReminder],
  ['lupakan', dropReminder],
] as const;

/** Registers the forms that set and remove a reminder of a campaign's deadline. */
export function reminderPages(app: PageDeps): PagePlugin {
  return async (server) => {
    for (const [path, verb] of verbs) {
      server.post(`/sambatan/:id/${path}`, { schema }, async (request, reply) => {
        const { actor } = request.visit;
        const { id } = request.params as { id: string };
        requirePerson(request.visit);
        const person = () => userOf(authorize(actor, 'reminder.ask'), undefined);
        await runInTransaction<unknown>(app.db, (tx) => verb(tx, actor, id, person));
        return redirect(request, reply, `/sambatan/${id}`);
      });
    }
  };
}

/**
 * Returns the reminder button for a campaign's page. Returns undefined for a visitor, and when it
 * is too late for a reminder.
 */
export function reminderPart(
  visit: PageContext,
  campaign: Campaign,
  asked: boolean,
): Html | undefined {
  const { t, url, now, person } = visit;
  const hourMs = 3_600_000;
  const runs = ['scheduled', 'active', 'full'].includes(campaign.status) && !campaign.is_closing;
  const isNear = campaign.deadline.getTime() - hourMs <= now.getTime();
  if (person === undefined || !runs || (isNear && !asked)) return undefined;
  const path = url(`/sambatan/${campaign.id}/${asked ? 'lupakan' : 'ingatkan'}`);
  return html`<form method="post" action="${path}">
    <button class="button quiet wide">
      ${asked ? t('campaign.reminder.doNotRemindMe') : t('campaign.reminder.remindMeBeforeItCloses')}
    </button>
  </form>`;
}
