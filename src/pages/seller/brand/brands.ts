import { wording } from '../../../i18n/messages.ts';
import { viewInvitation, acceptInvitation } from '../../../catalogue/invitations.ts';
import { createBrand } from '../../../catalogue/operations.ts';
import { listBrandsOf, type BrandOfMemberRow } from '../../../catalogue/queries.ts';
import { brandName } from '../../../catalogue/schemas.ts';
import type { PageDeps } from '../../deps.ts';
import { formParser } from '../../../http/forms.ts';
import { closed } from '../../../http/schemas.ts';
import { redirect, sendPage, type PagePlugin } from '../../../http/page-response.ts';
import { runInTransaction } from '../../../operation/run.ts';
import { badge, emptyState, input } from '../../../web/components.ts';
import { exactMoment } from '../../../web/components.ts';
import { html, type Html } from '../../../web/html.ts';
import { heading } from '../../../web/layout.ts';
import { inLanguage, type PageContext } from '../../../web/visit.ts';
import { flashMessage, withFlash } from '../../kit/flash.ts';
import { type FormState, submitForm } from '../../kit/form-action.ts';
import { refusalNotice } from '../../kit/refusal-notice.ts';
import { requireSignedIn } from '../../kit/signed-in.ts';
import { roleNames } from './shop-head.ts';

const readBrand = formParser(closed({ name: brandName }));

/** Registers the page with the user's brands, a form for a new brand, and open invitations. */
export function brandPages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get('/toko', async (request, reply) => {
      const { visit } = request;
      requireSignedIn(visit);
      const { person } = visit;
      const brands = person ? await app.db.rows(listBrandsOf, person.userId) : [];
      return sendPage(request, reply, brandList(visit, brands, flashMessage(request)));
    });

    server.get('/toko/baru', async (request, reply) => {
      requireSignedIn(request.visit);
      return sendPage(request, reply, newBrand(request.visit, { typed: {} }));
    });

    server.post('/toko/baru', async (request, reply) => {
      const { visit } = request;
      requireSignedIn(visit);
      return await submitForm(request, reply, {
        form: readBrand(request.body),
        run: ({ name }) =>
          runInTransaction(app.db, (tx) =>
            createBrand(tx, visit.actor, { name: name.trim() }, app.limiter),
          ),
        next: (brand) => withFlash(`/toko/${brand.brand_id}`, 'brand-dibuat'),
        page: (state) => newBrand(visit, state),
      });
    });

    server.get('/toko/undangan/:token', async (request, reply) => {
      const { visit } = request;
      requireSignedIn(visit);
      return sendPage(request, reply, await invitationPage(app, visit, tokenOf(request)));
    });

    server.post('/toko/undangan/:token', async (request, reply) => {
      const { visit } = request;
      requireSignedIn(visit);
      const token = tokenOf(request);
      const { brandId } = await runInTransaction(app.db, (tx) =>
        acceptInvitation(tx, visit.actor, token),
      );
      return redirect(request, reply, withFlash(`/toko/${brandId}`, 'bergabung'));
    });
  };
}

/** Returns the list of the user's brands. A user without a brand sees what to do next. */
function brandList(
  visit: PageContext,
  brands: readonly BrandOfMemberRow[],
  flash: Html | undefined,
) {
  const { t, url } = visit;
  const make = html`<a class="button" href="${url('/toko/baru')}"
    >${t('seller.brands.createABrand')}</a
  >`;
  const cards = brands.map(
    (brand) =>
      html`<li>
        <article class="card brand-card">
          <div class="card-body">
            <h2><a href="${url(`/toko/${brand.brand_id}`)}">${brand.name}</a></h2>
            <p>${badge(inLanguage(visit, roleNames[brand.role]))}</p>
          </div>
        </article>
      </li>`,
  );
  const main =
    cards.length === 0
      ? html`${flash}${heading(t('common.myBrands'))}${emptyState(
          t('seller.brands.noBrandYet'),
          t('seller.brands.createYourBrandAddAProduct'),
          make,
        )}`
      : html`${flash}
          <div class="row apart shop-head">
            <h1>${t('seller.brands.myBrands')}</h1>
            ${make}
          </div>
          <ul class="cards">
            ${cards}
          </ul>`;
  return { title: t('common.myBrands'), section: 'shop' as const, main };
}

function tokenOf(request: { readonly params: unknown }): string {
  return (request.params as { readonly token: string }).token;
}

function newBrand(visit: PageContext, { typed, errors, refused }: FormState) {
  const { t, url } = visit;
  const title = t('seller.brands.createABrand');
  const main = html`<p class="crumbs">
      <a href="${url('/toko')}">${t('common.allMyBrands')}</a>
    </p>
    ${heading(title, t('seller.brands.thisIsTheNameThatBuyers'))} ${refusalNotice(visit, refused)}
    <form class="stack panel narrow" method="post" action="${url('/toko/baru')}">
      ${input(visit, {
        name: 'name',
        label: t('common.nameOfTheBrand'),
        value: typed['name'],
        errors,
        required: true,
        control: { minlength: 2, maxlength: 80, autocomplete: 'organization' },
      })}
      <button class="button">${t('seller.brands.createBrand')}</button>
    </form>`;
  return { title, section: 'shop' as const, main };
}

async function invitationPage(app: PageDeps, visit: PageContext, token: string) {
  const { t } = visit;
  const invitation = await viewInvitation(app.db, token);
  const title = t('seller.brands.invitation');
  const role = inLanguage(visit, roleNames[invitation.role]);
  const who: Html | undefined = visit.person?.email
    ? html`<p class="quiet">${t('seller.brands.youAreSigned')} ${visit.person.email}.</p>`
    : undefined;
  const main = html`<div class="panel narrow">
    <h1>${t('seller.brands.join', { brandName: invitation.brand_name })}</h1>
    <p>
      ${t('seller.brands.youAreInvited', { role })}
      ${inLanguage(visit, roleMeanings[invitation.role])}
    </p>
    <p class="quiet">
      ${t('seller.brands.thisInvitationIs')} ${invitation.email}, ${t('seller.brands.until')}
      ${exactMoment(visit, invitation.expires_at)}.
    </p>
    ${who}
    <form method="post" action="${visit.url(`/toko/undangan/${encodeURIComponent(token)}`)}">
      <button class="button">${t('seller.brands.acceptInvitation')}</button>
    </form>
  </div>`;
  return { title, section: 'shop' as const, main };
}

export const roleMeanings = {
  owner: wording('seller.brands.roleMeanings.owner'),
  admin: wording('seller.brands.roleMeanings.admin'),
  contributor: wording('seller.brands.roleMeanings.contributor'),
} as const;
