import { newId } from '../../../src/identity/ids.ts';
import { queryRows } from '../builders/market.ts';
import { photo, pictureForm } from '../builders/pictures.ts';
import { expectStatus, fromNow } from '../builders/shop.ts';
import { long, day, type StateBuilderDeps, type StateShop } from './page-state.ts';

export async function shopToLookAt({ service, person }: StateBuilderDeps): Promise<StateShop> {
  const owner = await person('ratri.kusumaningrum.wijayanti.prameswari');
  const { api } = owner;
  expectStatus(await api.patch('/me', { display_name: long.slice(0, 80) }), 200);
  const brandId = expectStatus(await api.post('/brands', { name: long.slice(0, 80) }), 201).id;
  for (const role of ['admin', 'contributor']) {
    await queryRows(
      service.db,
      `insert into sambatan.brand_members (brand_id, user_id, role)
      values ($1, $2, $3::sambatan.brand_role)`,
      brandId,
      newId(),
      role,
    );
  }
  const product = async (wish: object) =>
    expectStatus(
      await api.post('/products', {
        brand_id: brandId,
        name: long,
        description: `${long}. `.repeat(8),
        base_price: 999_999_999,
        weight_grams: 120,
        sambatan_enabled: true,
        ...wish,
      }),
      201,
    ).id;
  const bare = await product({ name: 'Tanpa foto', base_price: 95_000 });
  const pictured = await product({});
  const sending = await pictureForm(await photo());
  const put = { method: 'PUT', path: `/products/${pictured}/picture`, ...sending };
  expectStatus(await api.send(put), 200);
  const made = async (terms: object, wish: object) =>
    expectStatus(await api.post('/campaigns', { publish: true, ...terms, ...wish }), 201).id;
  return {
    owner,
    brandId,
    bare,
    pictured,
    campaign: (wish = {}) =>
      made(
        {
          product_id: pictured,
          title: long,
          description: `${long}. `.repeat(6),
          total_slots: 12_000,
          price_per_slot: 999_999_999,
          deadline: fromNow(14 * day),
          payment_timing: 'upfront',
        },
        wish,
      ),
    plain: (wish = {}) =>
      made(
        {
          product_id: bare,
          title: 'Senja batch pertama',
          description: 'Bergamot, teh melati, dan kayu cendana dari Timor.',
          total_slots: 10,
          price_per_slot: 95_000,
          deadline: fromNow(3 * day),
        },
        wish,
      ),
  };
}
