import Type from 'typebox';
import { maxAddresses } from '../../accounts/account.ts';
import {
  addAddress,
  editAddress,
  ownAddress,
  ownAddresses,
  removeAddress,
  type Address,
} from '../../accounts/operations.ts';
import { addressFields, addressInput } from '../../accounts/schemas.ts';
import type { PageDeps } from '../deps.ts';
import { formParser } from '../../http/forms.ts';
import { closed, Id, text } from '../../http/schemas.ts';
import { localPath, redirect, sendPage, type PagePlugin } from '../../http/page-response.ts';
import { runInTransaction } from '../../operation/run.ts';
import { badge, checkbox, emptyState, input } from '../../web/components.ts';
import { html, type Html } from '../../web/html.ts';
import { heading, type PageProps } from '../../web/layout.ts';
import type { PageContext } from '../../web/visit.ts';
import { submitForm, type FormState } from '../kit/form-action.ts';
import { refusalNotice } from '../kit/refusal-notice.ts';

const params = closed({ id: Id });
const readForm = formParser(
  closed({ ...addressFields, is_default: Type.Boolean(), back: Type.Optional(text(0, 600)) }),
);
const list = '/akun/alamat';

/**
 * Registers the pages for saved addresses. When joining a campaign, the user can choose a saved
 * address with one tap.
 */
export function addressPages(app: PageDeps): PagePlugin {
  return async (server) => {
    server.get(list, async (request, reply) => {
      const addresses = await ownAddresses(app.db, request.visit.actor);
      return sendPage(request, reply, listPage(request.visit, addresses));
    });

    server.get(`${list}/baru`, async (request, reply) => {
      await ownAddresses(app.db, request.visit.actor);
      const { back } = request.query as { back?: unknown };
      const shown = { typed: { back: back === undefined ? list : localPath(back) } };
      return sendPage(request, reply, formPage(request.visit, undefined, shown));
    });

    server.post(`${list}/baru`, async (request, reply) => {
      const { visit } = request;
      const form = readForm(request.body);
      return await submitForm(request, reply, {
        form,
        run: ({ back: _back, ...address }) =>
          runInTransaction(app.db, (tx) => addAddress(tx, visit.actor, addressInput(address))),
        next: localPath(form.typed['back']?.trim() || list),
        page: (state) => formPage(visit, undefined, state),
      });
    });

    server.get(`${list}/:id`, { schema: { params } }, async (request, reply) => {
      const { visit } = request;
      const address = await ownAddress(app.db, visit.actor, request.params.id);
      return sendPage(request, reply, formPage(visit, address, {}));
    });

    server.post(`${list}/:id`, { schema: { params } }, async (request, reply) => {
      const { visit } = request;
      const { id } = request.params;
      const address = await ownAddress(app.db, visit.actor, id);
      const form = readForm(request.body);
      return await submitForm(request, reply, {
        form,
        run: ({ back: _back, ...change }) =>
          runInTransaction(app.db, (tx) => editAddress(tx, visit.actor, id, addressInput(change))),
        next: list,
        page: (state) => formPage(visit, address, state),
      });
    });

    server.post(
      `${list}/:id/utama`,
      { schema: { params }, config: { formPage: list } },
      async (request, reply) => {
        const { id } = request.params;
        await runInTransaction(app.db, (tx) =>
          editAddress(tx, request.visit.actor, id, { isDefault: true }),
        );
        return redirect(request, reply, list);
      },
    );

    server.post(
      `${list}/:id/hapus`,
      { schema: { params }, config: { formPage: list } },
      async (request, reply) => {
        await runInTransaction(app.db, (tx) =>
          removeAddress(tx, request.visit.actor, request.params.id),
        );
        return redirect(request, reply, list);
      },
    );
  };
}

function listPage(visit: PageContext, addresses: readonly Address[]): PageProps {
  const { t, url } = visit;
  const title = t('account.addresses.myAddresses');
  const add = html`<a class="button" href="${url(`${list}/baru`)}"
    >${t('account.addresses.addAnAddress')}</a
  >`;
  return {
    title,
    section: 'account',
    main: html`${heading(title)}${
        addresses.length === 0
          ? emptyState(
              t('account.addresses.noAddressYet'),
              t('account.addresses.saveAddressOnce'),
              add,
            )
          : html`<div class="account">
              ${addresses.map((address) => addressCard(visit, address))}
            </div> `
      }
      <div class="row">
        ${addresses.length > 0 && addresses.length < maxAddresses && add}
        <a href="${url('/akun')}">${t('common.backToAccount')}</a>
      </div>`,
  };
}

function addressCard(visit: PageContext, address: Address): Html {
  const { t, url } = visit;
  const at = `${list}/${address.id}`;
  return html`<section class="panel">
    <h2 class="row">${address.label}${address.is_default && badge(t('common.default'), 'good')}</h2>
    <p><strong>${address.recipient}</strong> · ${address.phone}</p>
    <p>
      ${address.street}<br />${address.district}, ${address.city}<br />${address.province}
      ${address.postal_code}
    </p>
    <div class="actions">
      <a class="button quiet" href="${url(at)}">${t('common.edit')}</a>
      ${
        !address.is_default &&
        html`<form method="post" action="${url(`${at}/utama`)}">
          <button class="button quiet">${t('account.addresses.makeDefault')}</button>
        </form>`
      }
      <form method="post" action="${url(`${at}/hapus`)}">
        <button class="button danger">${t('account.addresses.delete')}</button>
      </form>
    </div>
  </section>`;
}

function formPage(
  visit: PageContext,
  address: Address | undefined,
  state: Partial<FormState>,
): PageProps {
  const { t, url } = visit;
  const { typed, errors, refused } = state;
  const title = address ? t('account.addresses.editAddress') : t('account.addresses.newAddress');
  const at = `${list}/${address?.id ?? 'baru'}`;
  const field = (
    name: keyof typeof addressFields,
    label: string,
    control: Readonly<Record<string, string | number>> = {},
  ) =>
    input(visit, {
      name,
      label,
      value: typed?.[name] ?? address?.[name],
      errors,
      required: true,
      control,
    });
  return {
    title,
    section: 'account',
    main: html`<div class="panel address-form">
      ${heading(title)}${refusalNotice(visit, refused)}
      <form method="post" action="${url(at)}" class="fields">
        ${typed?.['back'] !== undefined && html`<input type="hidden" name="back" value="${typed['back']}" />`}
        ${field('label', t('account.addresses.label'), { maxlength: 40 })}
        ${field('recipient', t('account.addresses.recipient'), { maxlength: 60, autocomplete: 'name' })}
        ${field('phone', t('account.addresses.mobileNumber'), { type: 'tel', inputmode: 'tel', maxlength: 30, autocomplete: 'tel' })}
        ${field('street', t('account.addresses.streetAndNumber'), { maxlength: 120, autocomplete: 'street-address' })}
        ${field('district', t('account.addresses.district'), { maxlength: 40, autocomplete: 'address-level3' })}
        ${field('city', t('account.addresses.city'), { maxlength: 40, autocomplete: 'address-level2' })}
        ${field('province', t('account.addresses.province'), { maxlength: 40, autocomplete: 'address-level1' })}
        ${field('postal_code', t('account.addresses.postalCode'), { inputmode: 'numeric', maxlength: 5, autocomplete: 'postal-code' })}
        ${checkbox(visit, {
          name: 'is_default',
          label: t('account.addresses.makeItTheDefaultAddress'),
          checked: typed ? typed['is_default'] !== undefined : (address?.is_default ?? false),
        })}
        <div class="row">
          <button class="button">${t('account.addresses.saveTheAddress')}</button>
          <a class="button quiet" href="${url(list)}">${t('common.cancel')}</a>
        </div>
      </form>
    </div>`,
  };
}
