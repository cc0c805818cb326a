import type { PageDeps } from '../deps.ts';
import { userOf } from '../../http/authentication.ts';
import { toResult, rawFields } from '../../http/forms.ts';
import { closed, Id } from '../../http/schemas.ts';
import { redirect, sendPage, type PagePlugin } from '../../http/page-response.ts';
import { authorize } from '../../identity/policy.ts';
import { runInTransaction } from '../../operation/run.ts';
import {
  acceptOffer,
  declineOffer,
  waitForSlots,
  withdrawEntry,
} from '../../waiting/operations.ts';
import { html } from '../../web/html.ts';
import { requirePerson } from '../kit/signed-in.ts';
import { showCampaign } from './campaign.ts';
import { addressOf, readJoin } from './join.ts';
import { refusalNotice } from '../kit/refusal-notice.ts';

const schema = { params: closed({ id: Id }) };
const answers = [
  ['ambil', acceptOffer],
  ['lewatkan', declineOffer],
  ['keluar', withdrawEntry],
] as const;

/** Registers the forms for joining the waiting list, accepting an offer, and leaving the list. */
export function waitingPages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.post('/sambatan/:id/antre', { schema }, async (request, reply) => {
      const { id } = request.params;
      const { actor } = request.visit;
      const caller = authorize(actor, 'waiting.join');
      const form = readJoin(request.body);
      const { typed } = form;
      if ('errors' in form) {
        const key = rawFields(request.body)['key'];
        return showCampaign(app, request, reply, id, {
          typed,
          errors: form.errors,
          status: 422,
          key,
        });
      }
      const { quantity, note, key } = form.value;
      const answer = await toResult(async () => {
        const input = {
          userId: userOf(caller, undefined),
          quantity,
          shippingAddress: await addressOf(app, actor, form.value),
          note: note ?? undefined,
          key,
        };
        return await runInTransaction(app.db, (tx) =>
          waitForSlots(tx, caller, id.toLowerCase(), input),
        );
      });
      if ('done' in answer) {
        return redirect(request, reply, `/sambatan/${id}`);
      }
      const { refused } = answer;
      const { fields: errors, status } = refused;
      return showCampaign(app, request, reply, id, { typed, errors, refused, status });
    });

    for (const [path, verb] of answers) {
      server.post(
        `/antrean/:id/${path}`,
        { schema, config: { formPage: '/ikutan' } },
        async (request, reply) => {
          const { visit } = request;
          const { id } = request.params as { id: string };
          requirePerson(visit);
          const answer = await toResult(() =>
            runInTransaction(app.db, (tx) => verb(tx, visit.actor, id)),
          );
          if ('refused' in answer) {
            const { title } = answer.refused.text(visit.language);
            const main = html`${refusalNotice(visit, answer.refused)}
              <p>
                <a href="${visit.url('/ikutan')}">${visit.t('campaign.waiting.toMyOrders')}</a>
              </p>`;
            const page = { title, section: 'mine', main } as const;
            return sendPage(request, reply, page, answer.refused.status);
          }
          const { campaign_id: campaign, participation_id: taken_ } = answer.done;
          const next = taken_ === null ? `/sambatan/${campaign}` : `/ikutan/${taken_}?baru`;
          return redirect(request, reply, next);
        },
      );
    }
  };
}
