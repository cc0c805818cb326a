import Type from 'typebox';
import type { Campaign } from '../../../campaigns/campaign.ts';
import type { PageDeps } from '../../deps.ts';
import { formParser, toResult } from '../../../http/forms.ts';
import { choice, closed, Id, text } from '../../../http/schemas.ts';
import { redirect, sendPage, type PagePlugin } from '../../../http/page-response.ts';
import { authorize } from '../../../identity/policy.ts';
import { decide } from '../../../lifecycle/changes.ts';
import { countdown, exactMoment } from '../../../web/components.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { requirePerson } from '../../kit/signed-in.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';

const params = closed({ id: Id });
const readDecision = formParser(
  closed({ decision: choice(['continue', 'cancel']), note: Type.Optional(text(0, 500)) }),
);

/**
 * Registers the forms with which a seller or an operator decides about a campaign with fewer paid
 * slots than its minimum.
 */
export function decisionPages(app: PageDeps): PagePlugin {
  return async (server) => {
    for (const home of ['/toko/sambatan', '/operator/sambatan']) {
      server.post(`${home}/:id/putusan`, { schema: { params } }, async (request, reply) => {
        const { visit } = request;
        const { id } = request.params as { id: string };
        requirePerson(visit);
        if (home === '/operator/sambatan') authorize(visit.actor, 'dashboard.read');
        const form = readDecision(request.body);
        const back = `${home}/${id}`;
        if ('errors' in form) return redirect(request, reply, back);
        const note = form.value.note?.trim() || null;
        const goesOn = form.value.decision === 'continue';
        const answer = await toResult(() => decide(app, visit.actor, id, { goesOn, note }));
        if ('done' in answer) return redirect(request, reply, back);
        const { title } = answer.refused.text(visit.language);
        const main = html`${refusalNotice(visit, answer.refused)}
          <p><a href="${visit.url(back)}">${visit.t('common.back')}</a></p>`;
        const page = { title, section: 'shop', main } as const;
        return sendPage(request, reply, page, answer.refused.status);
      });
    }
  };
}

/** Returns the facts for the decision and its two options. Undefined if no decision is open. */
export function decisionPart(
  visit: PageContext,
  campaign: Campaign,
  home: '/toko/sambatan' | '/operator/sambatan',
): Html | undefined {
  const { t, url, now } = visit;
  const until = campaign.decision_until;
  if (until === null) return undefined;
  const isOperator = home === '/operator/sambatan';
  const action = url(`${home}/${campaign.id}/putusan`);
  return html`<section class="panel" aria-labelledby="decision">
    <h2 id="decision">${t('seller.decision.continueOrCancel')}</h2>
    <p>
      ${t('seller.decision.paidFewerThanTheMinimum', { paid: campaign.slots_taken, minimum: campaign.minimum_slots })}
    </p>
    <p class="deadline">
      ${
        until > now
          ? html`<strong>${t('common.timeLeft')} ${countdown(visit, until)}</strong>
              <span>${t('seller.decision.theSellerDecides')} ${exactMoment(visit, until)}</span>`
          : html`<span>${t('seller.decision.theSellersTimeIsOver')}</span>`
      }
    </p>
    ${
      (!isOperator || until <= now) &&
      html`<div class="row">
        <form method="post" action="${action}">
          <input type="hidden" name="decision" value="continue" />
          <button class="button">${t('seller.decision.continueWithThisBatch')}</button>
        </form>
        ${
          campaign.shipped_at === null &&
          html`<form method="post" action="${action}">
            <input type="hidden" name="decision" value="cancel" />
            <button class="button danger">${t('seller.decision.cancelAndRefundEveryone')}</button>
          </form>`
        }
      </div>`
    }
  </section>`;
}
