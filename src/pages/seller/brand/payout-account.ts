import { authorizeOnBrand } from '../../../catalogue/operations.ts';
import type { PageDeps } from '../../deps.ts';
import { formParser } from '../../../http/forms.ts';
import { closed } from '../../../http/schemas.ts';
import { sendPage, type PagePlugin } from '../../../http/page-response.ts';
import { may } from '../../../identity/policy.ts';
import {
  ignoreMissingAccount,
  payoutAccount,
  setPayoutAccount,
} from '../../../ledger/bank-accounts/operations.ts';
import type { OwnAccountRow } from '../../../ledger/bank-accounts/queries.ts';
import { bankFields } from '../../../ledger/bank-accounts/schemas.ts';
import { runInTransaction } from '../../../operation/run.ts';
import { bankAccountInputs } from '../../../web/bank-account.ts';
import { exactMoment, notice } from '../../../web/components.ts';
import { html, type Html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { flashMessage, withFlash } from '../../kit/flash.ts';
import { type FormState, submitForm } from '../../kit/form-action.ts';
import { idParam } from '../../kit/params.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { requireSignedIn } from '../../kit/signed-in.ts';
import { shopHead, type ShopOf } from './shop-head.ts';

const readAccount = formParser(closed(bankFields));

/**
 * Registers the page of a brand's payout account. The owner can change it; staff can only see it.
 */
export function payoutAccountPage(app: PageDeps): PagePlugin {
  return async (server) => {
    const page = async (
      visit: PageContext,
      brandId: string,
      sent: FormState | undefined,
      news?: Html,
    ) => {
      requireSignedIn(visit);
      const { actor } = visit;
      const shop = await authorizeOnBrand(app.db, actor, 'payout_account.read', brandId);
      const known = await payoutAccount(app.db, actor, brandId).catch(ignoreMissingAccount);
      const edits = may(actor, 'payout_account.edit', { brandRole: shop.role });
      return accountPage(visit, { ...shop, known, edits, sent, news });
    };

    server.get('/toko/:id/rekening', async (request, reply) => {
      const { visit } = request;
      const shown = await page(visit, idParam(request), undefined, flashMessage(request));
      return sendPage(request, reply, shown);
    });

    server.post('/toko/:id/rekening', async (request, reply) => {
      const { visit } = request;
      requireSignedIn(visit);
      const id = idParam(request);
      await authorizeOnBrand(app.db, visit.actor, 'payout_account.edit', id);
      return await submitForm(request, reply, {
        form: readAccount(request.body),
        run: (account) =>
          runInTransaction(app.db, (tx) => setPayoutAccount(tx, visit.actor, id, account)),
        next: withFlash(`/toko/${id}/rekening`, 'tersimpan'),
        page: (state) => page(visit, id, state),
      });
    });
  };
}

interface Parts extends ShopOf {
  readonly known: OwnAccountRow | undefined;
  readonly edits: boolean;
  /** The state of the form after it was sent. Undefined if no form was sent. */
  readonly sent: FormState | undefined;
  readonly news: Html | undefined;
}

function accountPage(visit: PageContext, parts: Parts) {
  const { t, url } = visit;
  const { brand, known, edits, sent, news } = parts;
  const title = t('seller.payoutAccount.payoutAccount');
  const { updated_at: changedAt, ...account } = known ?? {};
  const main = html`${news}${refusalNotice(visit, sent?.refused)}${shopHead(visit, parts, 'account')}
    <section class="panel narrow" aria-labelledby="account">
      <h2 id="account">${title}</h2>
      ${
        known === undefined &&
        notice(
          'busy',
          t('seller.payoutAccount.notGivenYet'),
          edits
            ? t('seller.payoutAccount.addOneToReceiveYourEarnings')
            : t('seller.checklist.theOwnerOfTheBrandAdds'),
        )
      }
      <p>
        ${t('seller.payoutAccount.whatYourCampaignsEarnGoesHere')}
        ${
          changedAt !== undefined &&
          html`<span class="quiet"
            >${t('seller.payoutAccount.lastChanged')} ${exactMoment(visit, changedAt)}.</span
          >`
        }
      </p>
      ${
        edits
          ? html`<form
              class="stack"
              method="post"
              action="${url(`/toko/${brand.brand_id}/rekening`)}"
            >
              ${bankAccountInputs(
                visit,
                { typed: sent?.typed ?? account, errors: sent?.errors },
                { isOwn: true },
              )}
              <button class="button">${t('common.saveBankAccount')}</button>
            </form>`
          : known !== undefined && accountFacts(visit, known)
      }
    </section>`;
  return { title: `${title} · ${brand.name}`, section: 'shop' as const, main };
}

function accountFacts({ t }: PageContext, { bank, number, holder }: OwnAccountRow): Html {
  return html`<dl class="facts">
    <dt>Bank</dt>
    <dd>${bank}</dd>
    <dt>${t('site.bankAccount.accountNumber')}</dt>
    <dd><code>${number}</code></dd>
    <dt>${t('common.accountHolder')}</dt>
    <dd>${holder}</dd>
  </dl>`;
}
