import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { Database } from '../database/pool.ts';
import { brandRoles, authorize } from '../identity/policy.ts';
import type { ApiServer } from '../http/api-server.ts';
import { runInTransaction } from '../operation/run.ts';
import { userOf } from '../http/authentication.ts';
import { choice, closed, Id, problems } from '../http/schemas.ts';
import { createBrand, readBrand, renameBrand } from './operations.ts';
import { listBrandsOf, type BrandRow } from './queries.ts';
import { brandName, BrandSchema } from './schemas.ts';
import type { RateLimiter } from '../overload/rate-limiter.ts';

/** Dependencies of the routes of brands. */
interface BrandDeps {
  readonly db: Database;
  readonly limiter: RateLimiter;
}

/** Routes of brands. */
export function brandRoutes(app: BrandDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    brandListRoutes(server, app);
    oneBrandRoutes(server, app);
  };
}

/** Routes that create and list brands. */
function brandListRoutes(server: ApiServer, app: BrandDeps): void {
  server.post(
    '/brands',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'Create a brand; its creator becomes the owner',
        body: closed({
          name: brandName,
          owner_id: Type.Optional({
            ...Id,
            description: 'The owner; required for service callers',
          }),
        }),
        response: { 201: BrandSchema, ...problems(createBrand) },
      },
    },
    async (request, reply) => {
      const input = { name: request.body.name, ownerId: request.body.owner_id };
      const brand = await runInTransaction(app.db, (tx) =>
        createBrand(tx, request.actor, input, app.limiter),
      );
      return reply.code(201).send(brandOf(brand));
    },
  );

  server.get(
    '/brands',
    {
      schema: {
        tags: ['catalogue'],
        summary: "List the caller's brands, with the role in each",
        querystring: closed({
          user_id: Type.Optional({
            ...Id,
            description: 'The buyer; required for service callers',
          }),
        }),
        response: {
          200: closed({
            items: Type.Array(closed({ ...BrandSchema.properties, role: choice(brandRoles) })),
          }),
          ...problems(authorize, userOf),
        },
      },
    },
    async (request) => {
      const caller = authorize(request.actor, 'brand.create');
      const userId = userOf(caller, request.query.user_id);
      const rows = await app.db.rows(listBrandsOf, userId);
      return { items: rows.map((row) => ({ ...brandOf(row), role: row.role })) };
    },
  );
}

/** Routes that get and change one brand. */
function oneBrandRoutes(server: ApiServer, app: BrandDeps): void {
  server.get(
    '/brands/:id',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'Get a brand',
        params: closed({ id: Id }),
        response: { 200: BrandSchema, ...problems(readBrand) },
      },
    },
    async ({ actor, params: { id } }) => {
      authorize(actor, 'brand.read');
      return brandOf(await readBrand(app.db, id));
    },
  );

  server.patch(
    '/brands/:id',
    {
      schema: {
        tags: ['catalogue'],
        summary: 'Change the name of a brand',
        params: closed({ id: Id }),
        body: closed({ name: brandName }),
        response: { 200: BrandSchema, ...problems(renameBrand) },
      },
    },
    async ({ actor, params: { id }, body }) =>
      brandOf(await runInTransaction(app.db, (tx) => renameBrand(tx, actor, id, body.name))),
  );
}

function brandOf({ brand_id: id, name, created_at, updated_at }: BrandRow) {
  return { id, name, created_at, updated_at };
}
