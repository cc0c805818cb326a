import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { Database } from '../database/pool.ts';
import { authorize } from '../identity/policy.ts';
import type { ApiServer } from '../http/api-server.ts';
import { runInTransaction } from '../operation/run.ts';
import { cursorAfter, nextCursor } from '../http/cursor.ts';
import { readPicture, takeUploads } from '../uploads/uploads.ts';
import { closed, Id, pageOf, pageQuery, problems } from '../http/schemas.ts';
import { makePicture } from './make-picture.ts';
import {
  createProduct,
  editProduct,
  authorizeOnProduct,
  readProduct,
  removePicture,
  setPicture,
} from './operations.ts';
import { pictureOf } from './picture.ts';
import { listProducts, type ProductRow } from './queries.ts';
import { productFields, ProductSchema } from './schemas.ts';

/** Dependencies of the routes of products. */
interface ProductDeps {
  readonly db: Database;
}

/** Routes of products and their pictures. */
export function productRoutes(app: ProductDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    oneProductRoutes(server, app);
    pictureRoutes(server, app);
    productListRoute(server, app);
  };
}

/** Routes that add, get and change one product. */
function oneProductRoutes(server: ApiServer, app: ProductDeps): void {
  server.post(
    '/products',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'Add a product to a brand',
        body: closed({
          brand_id: Id,
          name: productFields.name,
          description: Type.Optional(productFields.description),
          base_price: productFields.base_price,
          sambatan_enabled: Type.Optional(productFields.sambatan_enabled),
          weight_grams: Type.Optional(productFields.weight_grams),
        }),
        response: { 201: ProductSchema, ...problems(createProduct) },
      },
    },
    async (request, reply) => {
      const input = { ...changeOf(request.body), ...productInput(request.body) };
      const product = await runInTransaction(app.db, (tx) =>
        createProduct(tx, request.actor, input),
      );
      return reply.code(201).send(productOf(product));
    },
  );

  server.get(
    '/products/:id',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'Get a product',
        params: closed({ id: Id }),
        response: { 200: ProductSchema, ...problems(readProduct) },
      },
    },
    async ({ actor, params: { id } }) => productOf(await readProduct(app.db, actor, id)),
  );

  server.patch(
    '/products/:id',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'Change a product',
        params: closed({ id: Id }),
        body: Type.Partial(closed(productFields), { additionalProperties: false }),
        response: { 200: ProductSchema, ...problems(editProduct) },
      },
    },
    async (request) => {
      const change = changeOf(request.body);
      const { id } = request.params;
      return productOf(
        await runInTransaction(app.db, (tx) => editProduct(tx, request.actor, id, change)),
      );
    },
  );
}

/** Routes that set and delete the picture of a product. */
function pictureRoutes(server: ApiServer, app: ProductDeps): void {
  takeUploads(server);

  server.put(
    '/products/:id/picture',
    {
      config: { idempotency: 'none' },
      schema: {
        tags: ['catalogue'],
        summary: 'Set the picture of a product',
        description:
          'As `multipart/form-data` with one file in the field `picture`: JPEG, PNG or WebP, 5 MB and 40 megapixels at most. The service re-encodes it and removes all metadata.',
        consumes: ['multipart/form-data'],
        params: closed({ id: Id }),
        response: {
          200: ProductSchema,
          ...problems(setPicture, readPicture),
        },
      },
    },
    async (request) => {
      const { id } = request.params;
      await authorizeOnProduct(app.db, request.actor, 'product.edit', id);
      const made = await makePicture(id, await readPicture(request));
      return productOf(
        await runInTransaction(app.db, (tx) => setPicture(tx, request.actor, id, made)),
      );
    },
  );

  server.delete(
    '/products/:id/picture',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'Delete the picture of a product',
        params: closed({ id: Id }),
        response: { 200: ProductSchema, ...problems(removePicture) },
      },
    },
    async ({ actor, params: { id } }) =>
      productOf(await runInTransaction(app.db, (tx) => removePicture(tx, actor, id))),
  );
}

/** Route that lists products. */
function productListRoute(server: ApiServer, app: ProductDeps): void {
  server.get(
    '/products',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'List products, newest first',
        querystring: closed({ brand_id: Type.Optional(Id), ...pageQuery }),
        response: { 200: pageOf(ProductSchema), ...problems() },
      },
    },
    async (request) => {
      authorize(request.actor, 'product.read');
      const { brand_id, cursor, limit = 20 } = request.query;
      const [last = null] = cursorAfter(cursor, ['id']);
      const rows = await app.db.rows(listProducts, brand_id ?? null, last, limit + 1);
      const items = rows.slice(0, limit).map(productOf);
      return { items, next_cursor: nextCursor(rows, limit, (row) => [row.product_id]) };
    },
  );
}

interface ProductBody {
  readonly name?: string;
  readonly description?: string;
  readonly base_price?: number;
  readonly sambatan_enabled?: boolean;
  readonly weight_grams?: number | null;
}

function changeOf(body: ProductBody) {
  return {
    name: body.name,
    description: body.description,
    basePrice: body.base_price === undefined ? undefined : BigInt(body.base_price),
    sambatanEnabled: body.sambatan_enabled,
    weightGrams: body.weight_grams,
  };
}

function productInput(body: { brand_id: string; name: string; base_price: number }) {
  return { brandId: body.brand_id, name: body.name, basePrice: BigInt(body.base_price) };
}

function productOf(row: ProductRow) {
  const { product_id: id, picture_digest, picture_width, picture_height, ...rest } = row;
  const picture = pictureOf({ picture_digest, picture_width, picture_height });
  return { id, ...rest, picture };
}
