import type { Campaign } from '../../../campaigns/campaign.ts';
import { listOfBrand } from '../../../campaigns/lists.ts';
import { hasReceivingAccount } from '../../../campaigns/queries.ts';
import {
  createCampaign,
  editCampaign,
  paymentRulesOf,
  authorizeOnCampaign,
} from '../../../campaigns/operations.ts';
import { authorizeOnBrand } from '../../../catalogue/operations.ts';
import { listEnabledProducts } from '../../../catalogue/queries.ts';
import { formBytes } from '../../../http/body-limits.ts';
import type { PageDeps } from '../../deps.ts';
import { cursorAfter } from '../../../http/cursor.ts';
import { toResult, rawFields } from '../../../http/forms.ts';
import { redirect, sendPage, type PagePlugin } from '../../../http/page-response.ts';
import { may } from '../../../identity/policy.ts';
import { findBrandSetup } from '../../../ledger/bank-accounts/queries.ts';
import { publish } from '../../../lifecycle/changes.ts';
import { preview, runInTransaction } from '../../../operation/run.ts';
import { html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { freshTerms, readTerms, termsFields, termsOf, type TermsForm } from './campaign-form.ts';
import { flashMessage, withFlash } from '../../kit/flash.ts';
import { refusedForm, statusOf, type FormState } from '../../kit/form-action.ts';
import { queryParam, idParam } from '../../kit/params.ts';
import { requireSignedIn } from '../../kit/signed-in.ts';
import { cursorPage } from '../../kit/cursor-page.ts';
import { lists, type ListName, isOpen, dashboard } from './campaign-list.ts';
import { type Start, type Edited, newCampaign, editPage, previewPage } from './campaign-editor.ts';

const pageSize = 24;

/** Large body limit, because the story of a campaign may be long. */
const long = { bodyLimit: formBytes.long } as const;

/** Registers the dashboard of a brand, which shows its campaigns in three lists. */
export function campaignPages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/toko/:id', async (request, reply) => {
      const { visit } = request;
      requireSignedIn(visit);
      const brandId = idParam(request);
      const { brand, role } = await authorizeOnBrand(
        app.db,
        visit.actor,
        'brand.members.read',
        brandId,
      );
      const list = (Object.keys(lists) as ListName[]).find(
        (one) => one === queryParam(request, 'tampil'),
      );
      const name = list ?? 'jalan';
      const [last = null] = cursorAfter(queryParam(request, 'cursor'), ['id']);
      const campaignInput = { brandId, statuses: lists[name], after: last, limit: pageSize + 1 };
      const [rows, setup] = await Promise.all([
        listOfBrand(app.db, visit.actor, campaignInput),
        app.db.one(findBrandSetup, brandId),
      ]);
      const page = dashboard(
        visit,
        { brand, role },
        {
          name,
          list: cursorPage(visit, rows, {
            size: pageSize,
            url: visit.url(`/toko/${brandId}?tampil=${name}`),
            isFirst: last === null,
            cursorOf: (row) => [row.campaign_id],
          }),
          creates: may(visit.actor, 'campaign.create', { brandRole: role }),
          setup,
        },
      );
      return sendPage(request, reply, {
        ...page,
        main: html`${flashMessage(request)}${page.main}`,
      });
    });
  };
}

/**
 * Registers the form for a new campaign. After a preview, the seller saves it as a draft or
 * publishes it.
 */
export function newCampaignPages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/toko/:id/sambatan/baru', async (request, reply) => {
      const { visit } = request;
      const fresh = await startOf(app, visit, idParam(request));
      const chosen = fresh.products.find(
        ({ product_id }) => product_id === queryParam(request, 'produk'),
      );
      const typed = freshTerms(visit.now, chosen ?? fresh.products[0]);
      return sendPage(request, reply, newCampaign(visit, fresh, { typed }));
    });

    server.post('/toko/:id/sambatan/baru', long, async (request, reply) => {
      const { visit } = request;
      const fresh = await startOf(app, visit, idParam(request));
      const { aksi, reading } = stepOf(request.body);
      if (aksi === 'ubah') return sendPage(request, reply, newCampaign(visit, fresh, reading));
      if (!('value' in reading)) {
        return sendPage(request, reply, newCampaign(visit, fresh, reading), 422);
      }
      const form = reading.value;
      const again = (shown: FormState) => newCampaign(visit, fresh, shown);
      const verb = async (tx: Parameters<typeof createCampaign>[0]) =>
        await createCampaign(tx, visit.actor, {
          ...termsOf(form),
          productId: form.product_id,
          publish: aksi === 'terbit',
          payments: paymentRulesOf(app.config),
        });
      if (aksi !== 'draf' && aksi !== 'terbit') {
        const tried = await toResult(() => preview(app.db, verb));
        if ('refused' in tried)
          return await showAgain(request, reply, again, reading, tried.refused);
        const page = await previewPage(app, visit, { fresh, form, typed: reading.typed });
        return sendPage(request, reply, page);
      }
      const made = await toResult(() => runInTransaction(app.db, verb));
      if ('refused' in made) return await showAgain(request, reply, again, reading, made.refused);
      const what = { inactive: 'draf', scheduled: 'dijadwalkan' } as const;
      const status = made.done.status as keyof typeof what;
      return redirect(
        request,
        reply,
        withFlash(`/toko/sambatan/${made.done.id}`, what[status] ?? 'terbit'),
      );
    });
  };
}

/** Registers the form that changes a campaign, and the form that publishes a draft. */
export function editCampaignPages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/toko/sambatan/:id/ubah', async (request, reply) => {
      const { visit } = request;
      const edited = await editedOf(app, visit, idParam(request));
      const typed = termsFields(edited.campaign);
      return sendPage(request, reply, editPage(visit, edited, { typed }));
    });

    server.post('/toko/sambatan/:id/ubah', long, async (request, reply) => {
      const { visit } = request;
      const id = idParam(request);
      const edited = await editedOf(app, visit, id);
      const { campaign } = edited;
      const again = (shown: FormState) => editPage(visit, edited, shown);
      const { aksi, reading } = stepOf(request.body);
      if (aksi === 'ubah') return sendPage(request, reply, again(reading));
      if (!('value' in reading)) return sendPage(request, reply, again(reading), 422);
      const form = reading.value;
      const verb = async (tx: Parameters<typeof editCampaign>[0]) =>
        await editCampaign(tx, visit.actor, id, changeOf(campaign, form));
      if (aksi !== 'simpan') {
        const tried = await toResult(() => preview(app.db, verb));
        if ('refused' in tried)
          return await showAgain(request, reply, again, reading, tried.refused);
        const page = await previewPage(app, visit, { campaign, form, typed: reading.typed });
        return sendPage(request, reply, page);
      }
      const made = await toResult(() => runInTransaction(app.db, verb));
      if ('refused' in made) return await showAgain(request, reply, again, reading, made.refused);
      return redirect(request, reply, withFlash(`/toko/sambatan/${id}`, 'tersimpan'));
    });

    server.post('/toko/sambatan/:id/terbit', async (request, reply) => {
      const id = idParam(request);
      requireSignedIn(request.visit);
      await publish(app, request.visit.actor, id);
      return redirect(request, reply, withFlash(`/toko/sambatan/${id}`, 'terbit'));
    });
  };
}

/** Returns which button was pressed, and the content of the form. */
function stepOf(body: unknown) {
  const { aksi, ...fields } = rawFields(body);
  return { aksi, reading: readTerms(fields) };
}

async function showAgain(
  request: Parameters<typeof sendPage>[0],
  reply: Parameters<typeof sendPage>[1],
  page: (shown: FormState) => Parameters<typeof sendPage>[2],
  { typed }: { readonly typed: FormState['typed'] },
  refused: NonNullable<FormState['refused']>,
) {
  const shown = refusedForm(typed, refused, { deadline_not_in_future: 'deadline' });
  return sendPage(request, reply, page(shown), statusOf(refused));
}

/**
 * Returns the changes in a form. After a campaign has opened, only its title and story can be
 * changed.
 */
function changeOf(campaign: Campaign, form: TermsForm) {
  const terms = termsOf(form);
  if (isOpen(campaign)) return { title: terms.title, description: terms.description };
  // The form shows the hold in whole hours. If that number was not changed, the stored number of
  // seconds stays, because it may not be a whole number of hours.
  const { holdSeconds, opensAt, ...rest } = terms;
  const shownHours = Number(termsFields(campaign)['hold_hours']);
  return {
    ...rest,
    ...(holdSeconds === shownHours * 3_600 ? {} : { holdSeconds }),
    ...(campaign.status === 'scheduled' ? { opensAt } : {}),
  };
}

async function enabledProducts(app: PageDeps, brandId: string) {
  return await app.db.rows(listEnabledProducts, brandId);
}

async function startOf(app: PageDeps, visit: PageContext, brandId: string): Promise<Start> {
  requireSignedIn(visit);
  const { brand, role } = await authorizeOnBrand(app.db, visit.actor, 'campaign.create', brandId);
  const publishes = may(visit.actor, 'campaign.publish', { brandRole: role });
  const [products, setup, collects] = await Promise.all([
    enabledProducts(app, brandId),
    app.db.one(findBrandSetup, brandId),
    canCollect(app),
  ]);
  return { brand, publishes, products, setup, collects };
}

/** Returns true if buyers can pay upfront: there is a payment provider or a receiving account. */
async function canCollect(app: PageDeps): Promise<boolean> {
  if (app.payments.gateway !== undefined) return true;
  return (await app.db.one(hasReceivingAccount)).is_there;
}

async function editedOf(app: PageDeps, visit: PageContext, id: string): Promise<Edited> {
  requireSignedIn(visit);
  const { campaign } = await authorizeOnCampaign(app.db, visit.actor, 'campaign.edit', id);
  if (campaign.status !== 'inactive') {
    await authorizeOnCampaign(app.db, visit.actor, 'campaign.publish', id);
  }
  return { campaign, collects: await canCollect(app) };
}
