import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { PageDeps } from '../../deps.ts';
import { formParser } from '../../../http/forms.ts';
import { closed } from '../../../http/schemas.ts';
import type { PagePlugin } from '../../../http/page-response.ts';
import { authorize } from '../../../identity/policy.ts';
import {
  addReceivingAccount,
  editReceivingAccount,
  receivingAccounts,
} from '../../../ledger/bank-accounts/operations.ts';
import type { ReceivingAccountRow } from '../../../ledger/bank-accounts/queries.ts';
import { bankFields } from '../../../ledger/bank-accounts/schemas.ts';
import { runInTransaction } from '../../../operation/run.ts';
import { bankAccountInputs } from '../../../web/bank-account.ts';
import { badge, checkbox, emptyState } from '../../../web/components.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { sendOperatorPage } from '../kit/frame.ts';
import { flashMessage, withFlash } from '../../kit/flash.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { fieldOf, collapsibleForm, params, requireValid, type Sent } from '../kit/parts.ts';
import { paymentParts } from './payments.ts';
import { runAction } from '../../kit/form-action.ts';

const section = '/operator/pembayaran';
const receivingAccountsPath = `${section}/rekening`;
const readAccount = formParser(closed({ ...bankFields, is_default: Type.Boolean() }));
const readChange = formParser(
  closed({
    holder: bankFields.holder,
    is_active: Type.Boolean(),
    statement_through: Type.Optional(Type.String({ format: 'date' })),
  }),
);

/**
 * Registers the page of the receiving accounts. Operators add and change accounts and choose the
 * default one.
 */
export function operatorAccounts(app: PageDeps): PagePlugin {
  return async (server) => {
    const show = async (request: FastifyRequest, reply: FastifyReply, sent?: Sent) => {
      const { visit } = request;
      const rows = await receivingAccounts(app.db, visit.actor);
      const body = html`${paymentParts(visit, receivingAccountsPath)}${flashMessage(request)}
      ${refusalNotice(visit, sent?.refused)}
      ${rows.length === 0 ? emptyList(visit) : rows.map((row) => accountEntry(visit, row))}
      ${newAccountForm(visit, sent)}`;
      const title = visit.t('common.receivingAccounts');
      const page = { title, at: section, body } as const;
      return sendOperatorPage(request, reply, page, sent?.refused.status ?? 200);
    };

    const saved = withFlash(receivingAccountsPath, 'rekening-tersimpan');
    server.get(receivingAccountsPath, async (request, reply) => show(request, reply));

    server.post(receivingAccountsPath, async (request, reply) => {
      const { actor } = request.visit;
      authorize(actor, 'receiving_account.manage');
      const reading = readAccount(request.body);
      return await runAction(request, reply, {
        run: async () => {
          const { is_default: isDefault, ...account } = requireValid(reading);
          return await runInTransaction(app.db, (tx) =>
            addReceivingAccount(tx, actor, account, isDefault),
          );
        },
        next: saved,
        showAgain: (refused) => show(request, reply, { refused, typed: reading.typed }),
      });
    });

    server.post(`${receivingAccountsPath}/:id`, { schema: { params } }, async (request, reply) => {
      const { actor } = request.visit;
      authorize(actor, 'receiving_account.manage');
      const { id } = request.params;
      return await runAction(request, reply, {
        run: async () => {
          const form = requireValid(readChange(request.body));
          const change = {
            holder: form.holder,
            isActive: form.is_active,
            statementThrough: form.statement_through,
          };
          return await runInTransaction(app.db, (tx) =>
            editReceivingAccount(tx, actor, id, change),
          );
        },
        next: saved,
        showAgain: (refused) => show(request, reply, { refused }),
      });
    });

    server.post(
      `${receivingAccountsPath}/:id/utama`,
      { schema: { params } },
      async (request, reply) => {
        const { actor } = request.visit;
        authorize(actor, 'receiving_account.manage');
        const { id } = request.params;
        return await runAction(request, reply, {
          run: () =>
            runInTransaction(app.db, (tx) =>
              editReceivingAccount(tx, actor, id, { isDefault: true }),
            ),
          next: saved,
          showAgain: (refused) => show(request, reply, { refused }),
        });
      },
    );
  };
}

function emptyList({ t }: PageContext): Html {
  return emptyState(
    t('common.noAccountsYet'),
    t('operator.receivingAccounts.withoutAnAccountBuyersCannotPay'),
  );
}

function accountEntry(visit: PageContext, row: ReceivingAccountRow): Html {
  const { t, url } = visit;
  const id = row.account_id;
  return html`<article class="panel">
    <div class="row apart">
      <h2>${row.bank} <code>${row.number}</code></h2>
      ${
        row.is_default
          ? badge(t('common.default'), 'good')
          : row.is_active
            ? badge(t('operator.receivingAccounts.active'))
            : badge(t('operator.receivingAccounts.switchedOff'), 'bad')
      }
    </div>
    <p>${t('common.accountHolder')}: ${row.holder}</p>
    <p class="quiet">
      ${
        row.statement_through === null
          ? t('operator.receivingAccounts.noStatementWasImportedYet')
          : t('operator.receivingAccounts.statementCompleteThrough', {
              statementThrough: row.statement_through,
            })
      }
    </p>
    ${
      !row.is_default &&
      html`<form method="post" action="${url(`${receivingAccountsPath}/${id}/utama`)}">
        <button class="button quiet">${t('operator.receivingAccounts.makeItTheDefault')}</button>
      </form>`
    }
    ${collapsibleForm(
      visit,
      {
        path: `${receivingAccountsPath}/${id}`,
        words: t('common.edit'),
        button: t('common.save'),
      },
      html`${fieldOf(id, 'holder', t('common.accountHolder'), {
        value: row.holder,
        required: true,
        maxlength: 80,
      })}${checkbox(visit, {
        name: 'is_active',
        label: t('operator.receivingAccounts.usedForNewPayments'),
        checked: row.is_active,
      })}${fieldOf(
        id,
        'statement_through',
        t('operator.receivingAccounts.everyTransferThroughThisDay'),
        { type: 'date', value: row.statement_through ?? '' },
      )}`,
    )}
  </article>`;
}

function newAccountForm(visit: PageContext, sent: Sent | undefined): Html {
  const { t, url } = visit;
  const typed = sent?.typed ?? {};
  const errors = sent?.typed === undefined ? undefined : sent.refused.fields;
  return html`<section class="panel narrow" aria-labelledby="add">
    <h2 id="add">${t('operator.receivingAccounts.addAnAccount')}</h2>
    <form class="stack" method="post" action="${url(receivingAccountsPath)}">
      ${bankAccountInputs(visit, { typed, errors }, { isOwn: false })}
      ${checkbox(visit, {
        name: 'is_default',
        label: t('operator.receivingAccounts.makeItTheDefaultAccount'),
        checked: typed['is_default'] !== undefined,
      })}
      <button class="button">${t('operator.receivingAccounts.add')}</button>
    </form>
  </section>`;
}
