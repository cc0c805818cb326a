import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { App } from '../context.ts';
import { permit } from '../identity/policy.ts';
import { operate } from '../operation.ts';
import { after, nextCursor } from '../http/cursor.ts';
import {
  closed,
  Id,
  pageOf,
  pageQuery,
  problems,
  Rupiah,
  text,
  Timestamp,
} from '../http/schemas.ts';
import { createBrand, createProduct, editProduct } from './operations.ts';
import { listProducts, type ProductRow } from './queries.ts';

const Brand = closed(
  { id: Id, name: Type.String(), created_at: Timestamp, updated_at: Timestamp },
  { title: 'Brand' },
);

const Product = closed(
  {
    id: Id,
    brand_id: Id,
    name: Type.String(),
    description: Type.String(),
    base_price: Rupiah,
    sambatan_enabled: Type.Boolean(),
    created_at: Timestamp,
    updated_at: Timestamp,
  },
  { title: 'Product' },
);

const basePrice = Type.Integer({
  minimum: 1,
  maximum: 1_000_000_000,
  description: 'Whole rupiah',
});
const ProductFields = {
  name: text(2, 120),
  description: text(0, 5_000),
  base_price: basePrice,
  sambatan_enabled: Type.Boolean({ description: 'Whether campaigns may be made of it' }),
};

/** Brands and products: the small catalogue that campaigns need. */
export function catalogueRoutes(app: App): FastifyPluginAsyncTypebox {
  return async (server) => {
    server.post(
      '/brands',
      {
        schema: {
          tags: ['catalogue'],
          summary: 'Create a brand; whoever creates it is its owner',
          body: closed({
            name: text(2, 80),
            owner_id: Type.Optional({ ...Id, description: 'The owner; service callers only' }),
          }),
          response: { 201: Brand, ...problems('forbidden') },
        },
      },
      async (request, reply) => {
        const input = { name: request.body.name, ownerId: request.body.owner_id };
        const brand = await operate(app.db, (tx) => createBrand(tx, request.actor, input));
        const { brand_id: id, name, created_at, updated_at } = brand;
        return reply.code(201).send({ id, name, created_at, updated_at });
      },
    );

    server.post(
      '/products',
      {
        schema: {
          tags: ['catalogue'],
          summary: 'Add a product to a brand',
          body: closed({
            brand_id: Id,
            name: ProductFields.name,
            description: Type.Optional(ProductFields.description),
            base_price: ProductFields.base_price,
            sambatan_enabled: Type.Optional(ProductFields.sambatan_enabled),
          }),
          response: { 201: Product, ...problems('forbidden', 'brand_not_found') },
        },
      },
      async (request, reply) => {
        const input = { ...changeOf(request.body), ...required(request.body) };
        const product = await operate(app.db, (tx) => createProduct(tx, request.actor, input));
        return reply.code(201).send(productOf(product));
      },
    );

    server.patch(
      '/products/:id',
      {
        schema: {
          tags: ['catalogue'],
          summary: 'Change a product',
          params: closed({ id: Id }),
          body: Type.Partial(closed(ProductFields), { additionalProperties: false }),
          response: { 200: Product, ...problems('forbidden', 'product_not_found') },
        },
      },
      async (request) => {
        const change = changeOf(request.body);
        const { id } = request.params;
        return productOf(await operate(app.db, (tx) => editProduct(tx, request.actor, id, change)));
      },
    );

    server.get(
      '/products',
      {
        schema: {
          tags: ['catalogue'],
          summary: 'Products, newest first',
          querystring: closed({ brand_id: Type.Optional(Id), ...pageQuery }),
          response: { 200: pageOf(Product), ...problems() },
        },
      },
      async (request) => {
        permit(request.actor, 'product.read');
        const { brand_id, cursor, limit = 20 } = request.query;
        const [last = null] = after(cursor, ['id']);
        const rows = await app.db.rows(listProducts, brand_id ?? null, last, limit + 1);
        const items = rows.slice(0, limit).map(productOf);
        return { items, next_cursor: nextCursor(rows, limit, (row) => [row.product_id]) };
      },
    );
  };
}

interface ProductBody {
  readonly name?: string;
  readonly description?: string;
  readonly base_price?: number;
  readonly sambatan_enabled?: boolean;
}

function changeOf(body: ProductBody) {
  return {
    name: body.name,
    description: body.description,
    basePrice: body.base_price === undefined ? undefined : BigInt(body.base_price),
    sambatanEnabled: body.sambatan_enabled,
  };
}

function required(body: { brand_id: string; name: string; base_price: number }) {
  return { brandId: body.brand_id, name: body.name, basePrice: BigInt(body.base_price) };
}

function productOf(row: ProductRow) {
  const { product_id: id, ...rest } = row;
  return { id, ...rest };
}
