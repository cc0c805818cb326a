import type { FastifyReply, FastifyRequest } from 'fastify';
import { revokeOperator, listOperators, grantOperator } from '../../accounts/operators.ts';
import type { OperatorRow } from '../../accounts/queries.ts';
import type { PageDeps } from '../deps.ts';
import { formParser } from '../../http/forms.ts';
import { closed, text } from '../../http/schemas.ts';
import type { PagePlugin } from '../../http/page-response.ts';
import { authorize } from '../../identity/policy.ts';
import { runInTransaction } from '../../operation/run.ts';
import { badge, exactMoment, input } from '../../web/components.ts';
import { html, type Html } from '../../web/html.ts';
import type { PageContext } from '../../web/visit.ts';
import { sendOperatorPage } from './kit/frame.ts';
import { flashMessage, withFlash } from '../kit/flash.ts';
import { refusalNotice } from '../kit/refusal-notice.ts';
import { params, requireValid, type Sent } from './kit/parts.ts';
import { runAction } from '../kit/form-action.ts';

const peoplePath = '/operator/orang';
const readCandidate = formParser(closed({ email: text(3, 254) }));

/** Registers the page on which operators grant and revoke the operator role. */
export function operatorPeople(app: PageDeps): PagePlugin {
  return async (server) => {
    const show = async (request: FastifyRequest, reply: FastifyReply, sent?: Sent) => {
      const { visit } = request;
      const named = await listOperators(app.db, visit.actor);
      const body = html`${flashMessage(request)}${refusalNotice(visit, sent?.refused)}
        <div class="columns">
          <div>
            ${namedPart(visit, named)}${configuredPart(visit, app.config.identity.operators)}
          </div>
          ${grantForm(visit, sent)}
        </div>`;
      const page = { title: visit.t('operator.frame.operators'), at: peoplePath, body } as const;
      return sendOperatorPage(request, reply, page, sent?.refused.status ?? 200);
    };

    server.get(peoplePath, async (request, reply) => show(request, reply));

    server.post(peoplePath, async (request, reply) => {
      const { actor } = request.visit;
      authorize(actor, 'operators.manage');
      const reading = readCandidate(request.body);
      return await runAction(request, reply, {
        run: async () => {
          const candidate = requireValid(reading);
          return await runInTransaction(app.db, (tx) => grantOperator(tx, actor, candidate));
        },
        next: withFlash(peoplePath, 'ditunjuk'),
        showAgain: (refused) => show(request, reply, { refused, typed: reading.typed }),
      });
    });

    server.post(`${peoplePath}/:id/cabut`, { schema: { params } }, async (request, reply) => {
      const { actor, person } = request.visit;
      authorize(actor, 'operators.manage');
      const id = request.params.id.toLowerCase();
      return await runAction(request, reply, {
        run: () => runInTransaction(app.db, (tx) => revokeOperator(tx, actor, id)),
        // Operators who revoke their own role can no longer see this page.
        next: person?.userId === id ? '/' : withFlash(peoplePath, 'dicabut'),
        showAgain: (refused) => show(request, reply, { refused }),
      });
    });
  };
}

function namedPart(visit: PageContext, named: readonly OperatorRow[]): Html {
  const { t } = visit;
  return html`<section class="panel" aria-labelledby="named">
    <h2 id="named">${t('operator.people.addedByOperators')}</h2>
    ${
      named.length === 0
        ? html`<p class="quiet">${t('operator.people.noneAddedYet')}</p>`
        : html`<ul class="people">
            ${named.map((one) => namedItem(visit, one))}
          </ul>`
    }
  </section>`;
}

function namedItem(visit: PageContext, row: OperatorRow): Html {
  const { t, url, person } = visit;
  const name = row.display_name ?? row.email ?? `…${row.user_id.slice(-12)}`;
  return html`<li>
    <p class="person">
      <strong>${name}</strong>${
        person?.userId === row.user_id && html` <span class="quiet">(${t('common.you')})</span>`
      }
      ${row.email !== null && row.email !== name && html`<br /><span class="quiet">${row.email}</span>`}
      <br /><span class="quiet"
        >${t('operator.people.since')} ${exactMoment(visit, row.named_at)}</span
      >
      <br /><span class="quiet"
        >${
          row.signed_in_at === null
            ? t('operator.people.hasNotSignedInHereYet')
            : html`${t('operator.people.lastSignedIn')} ${exactMoment(visit, row.signed_in_at)}`
        }</span
      >
    </p>
    <details>
      <summary>${t('operator.people.remove', { name })}</summary>
      <p>${t('operator.people.thisPersonCannotOpenTheOperators')}</p>
      <form method="post" action="${url(`${peoplePath}/${row.user_id}/cabut`)}">
        <button class="button danger">${t('operator.people.removeOperator')}</button>
      </form>
    </details>
  </li>`;
}

function configuredPart(visit: PageContext, emails: readonly string[]): Html {
  const { t } = visit;
  return html`<section class="panel" aria-labelledby="configured">
    <h2 id="configured">${t('operator.people.byConfiguration')}</h2>
    ${
      emails.length > 0 &&
      html`<ul class="people">
        ${emails.map(
          (email) =>
            html`<li class="row apart">
              <p class="person">${email}</p>
              ${badge(t('operator.people.fixed'))}
            </li>`,
        )}
      </ul>`
    }
    <p class="quiet">${t('operator.people.addressesInSAMBATANOPERATORSAndAccountsWhose')}</p>
  </section>`;
}

function grantForm(visit: PageContext, sent: Sent | undefined): Html {
  const { t, url } = visit;
  return html`<section class="panel" aria-labelledby="name">
    <h2 id="name">${t('operator.people.addAnOperator')}</h2>
    <p>${t('operator.people.operatorsSeeBuyersAddressesRecordMoney')}</p>
    <form class="stack" method="post" action="${url(peoplePath)}">
      ${input(visit, {
        name: 'email',
        label: t('operator.people.eMailAddressThatHasSigned'),
        value: sent?.typed?.['email'],
        errors: sent?.typed === undefined ? undefined : sent.refused.fields,
        required: true,
        control: { type: 'email', maxlength: 254, autocomplete: 'off' },
      })}
      <button class="button">${t('operator.people.addOperator')}</button>
    </form>
  </section>`;
}
