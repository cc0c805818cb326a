import type { PageDeps } from '../deps.ts';
import { formParser } from '../../http/forms.ts';
import { closed } from '../../http/schemas.ts';
import { redirect, sendPage, type PagePlugin } from '../../http/page-response.ts';
import { bankFields } from '../../ledger/bank-accounts/schemas.ts';
import {
  ignoreMissingAccount,
  refundAccount,
  setRefundAccount,
} from '../../ledger/bank-accounts/operations.ts';
import type { FieldError } from '../../errors/errors.ts';
import { runInTransaction } from '../../operation/run.ts';
import { bankAccountInputs, type TypedAccount } from '../../web/bank-account.ts';
import { notice } from '../../web/components.ts';
import { html } from '../../web/html.ts';
import { heading, type PageProps } from '../../web/layout.ts';
import type { PageContext } from '../../web/visit.ts';
import { requirePerson } from '../kit/signed-in.ts';

const readForm = formParser(closed(bankFields));
const path = '/akun/rekening';

/** Registers the page for the bank account to which a buyer's refunds are sent. */
export function refundAccountPages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get(path, async (request, reply) => {
      const { visit } = request;
      const { userId } = requirePerson(visit);
      const known = await refundAccount(app.db, visit.actor, userId).catch(ignoreMissingAccount);
      const saved = Object.hasOwn(request.query as object, 'simpan');
      return sendPage(
        request,
        reply,
        formPage(visit, { ...known, updated_at: undefined }, [], saved),
      );
    });

    server.post(path, async (request, reply) => {
      const { visit } = request;
      const { userId } = requirePerson(visit);
      const form = readForm(request.body);
      if ('errors' in form) {
        return sendPage(request, reply, formPage(visit, form.typed, form.errors, false), 422);
      }
      await runInTransaction(app.db, (tx) => setRefundAccount(tx, visit.actor, userId, form.value));
      return redirect(request, reply, `${path}?simpan`);
    });
  };
}

function formPage(
  visit: PageContext,
  typed: TypedAccount['typed'],
  errors: readonly FieldError[],
  saved: boolean,
): PageProps {
  const { t, url } = visit;
  const title = t('common.refundAccount');
  return {
    title,
    section: 'account',
    main: html`<div class="panel narrow">
      ${heading(
        title,
        t('account.refundAccount.refundsGoHere'),
      )}${saved && notice('good', t('common.saved'))}
      <form class="stack" method="post" action="${url(path)}">
        ${bankAccountInputs(visit, { typed, errors }, { isOwn: true })}
        <div class="row">
          <button class="button">${t('common.saveBankAccount')}</button>
          <a class="button quiet" href="${url('/akun')}">${t('common.backToAccount')}</a>
        </div>
      </form>
    </div>`,
  };
}
