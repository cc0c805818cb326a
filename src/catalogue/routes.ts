import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import Type from 'typebox';
import type { Database } from '../database/pool.ts';
import { languages, type ErrorCode } from '../errors/errors.ts';
import { brandRoles, authorize } from '../identity/policy.ts';
import { retryRead, runInTransaction } from '../operation/run.ts';
import { originForEmails } from '../http/csrf.ts';
import { cursorAfter, nextCursor } from '../http/cursor.ts';
import { readPicture, takeUploads } from '../uploads/uploads.ts';
import { userOf } from '../http/authentication.ts';
import {
  choice,
  closed,
  Id,
  nullable,
  pageOf,
  pageQuery,
  problems,
  text,
  Timestamp,
} from '../http/schemas.ts';
import {
  acceptInvitation,
  invitedRoles,
  viewInvitations,
  withdrawInvitation,
} from './invitations.ts';
import { inviteByMail } from './invite-by-mail.ts';
import { makePicture } from './make-picture.ts';
import { changeRole, removeMember, viewMembers } from './members.ts';
import {
  createBrand,
  createProduct,
  editProduct,
  authorizeOnProduct,
  readBrand,
  readProduct,
  removePicture,
  renameBrand,
  setPicture,
} from './operations.ts';
import { pictureOf } from './picture.ts';
import { listBrandsOf, listProducts, type BrandRow, type ProductRow } from './queries.ts';
import { brandName, BrandSchema, productFields, ProductSchema } from './schemas.ts';

/** What the routes of brands, products and members need from the running service. */
type CatalogueDeps = { readonly db: Database } & Parameters<typeof inviteByMail>[0] &
  Parameters<typeof originForEmails>[0];

/** Routes of brands and products: the catalogue that campaigns need. */
export function catalogueRoutes(app: CatalogueDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
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
          response: { 201: BrandSchema, ...problems('rate_limited', 'forbidden') },
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
            ...problems('forbidden'),
          },
        },
      },
      async (request) => {
        const caller = authorize(request.actor, 'brand.create');
        const userId = userOf(caller, request.query.user_id);
        const rows = await retryRead(() => app.db.rows(listBrandsOf, userId));
        return { items: rows.map((row) => ({ ...brandOf(row), role: row.role })) };
      },
    );

    server.get(
      '/brands/:id',
      {
        schema: {
          tags: ['catalogue'],
          summary: 'Get a brand',
          params: closed({ id: Id }),
          response: { 200: BrandSchema, ...problems('brand_not_found') },
        },
      },
      async ({ actor, params: { id } }) => {
        authorize(actor, 'brand.read');
        return brandOf(await retryRead(() => readBrand(app.db, id)));
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
          response: { 200: BrandSchema, ...problems('forbidden', 'brand_not_found') },
        },
      },
      async ({ actor, params: { id }, body }) =>
        brandOf(await runInTransaction(app.db, (tx) => renameBrand(tx, actor, id, body.name))),
    );

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
          response: { 201: ProductSchema, ...problems('forbidden', 'brand_not_found') },
        },
      },
      async (request, reply) => {
        const input = { ...changeOf(request.body), ...required(request.body) };
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
          response: { 200: ProductSchema, ...problems('product_not_found') },
        },
      },
      async ({ actor, params: { id } }) =>
        productOf(await retryRead(() => readProduct(app.db, actor, id))),
    );

    server.patch(
      '/products/:id',
      {
        schema: {
          tags: ['catalogue'],
          summary: 'Change a product',
          params: closed({ id: Id }),
          body: Type.Partial(closed(productFields), { additionalProperties: false }),
          response: { 200: ProductSchema, ...problems('forbidden', 'product_not_found') },
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
            ...problems(
              'forbidden',
              'product_not_found',
              'payload_too_large',
              'unsupported_media_type',
              'content_encoding_not_supported',
              'rate_limited',
              'overloaded',
              'request_timeout',
            ),
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
          response: { 200: ProductSchema, ...problems('forbidden', 'product_not_found') },
        },
      },
      async ({ actor, params: { id } }) =>
        productOf(await runInTransaction(app.db, (tx) => removePicture(tx, actor, id))),
    );

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
  };
}

const brandId = closed({ id: Id });
const memberId = closed({ id: Id, user_id: Id });

/** Routes of a brand's members and invitations. */
export function memberRoutes(app: CatalogueDeps): FastifyPluginAsyncTypebox {
  return async (server) => {
    server.get(
      '/brands/:id/members',
      {
        schema: {
          tags: ['catalogue'],
          summary: 'List the members of a brand, owners first',
          params: brandId,
          response: {
            200: closed({ items: Type.Array(MemberSchema) }),
            ...problems('forbidden', 'brand_not_found'),
          },
        },
      },
      async ({ actor, params: { id } }) => ({
        items: await retryRead(() => viewMembers(app.db, actor, id)),
      }),
    );

    server.patch(
      '/brands/:id/members/:user_id',
      {
        schema: {
          tags: ['catalogue'],
          summary: 'Change the role of a member',
          params: memberId,
          body: closed({ role: choice(brandRoles) }),
          response: {
            200: closed({ user_id: Id, role: choice(brandRoles) }),
            ...memberProblems('last_owner'),
          },
        },
      },
      async ({ actor, params: { id, user_id: userId }, body: { role } }) => {
        await runInTransaction(app.db, (tx) =>
          changeRole(tx, actor, { brandId: id, userId, role }),
        );
        return { user_id: userId, role };
      },
    );

    server.delete(
      '/brands/:id/members/:user_id',
      {
        schema: {
          tags: ['catalogue'],
          summary: 'Remove a member from a brand, or leave it',
          params: memberId,
          response: { 200: closed({ user_id: Id }), ...memberProblems('last_owner') },
        },
      },
      async ({ actor, params: { id, user_id: userId } }) => {
        await runInTransaction(app.db, (tx) => removeMember(tx, actor, { brandId: id, userId }));
        return { user_id: userId };
      },
    );

    server.get(
      '/brands/:id/invitations',
      {
        schema: {
          tags: ['catalogue'],
          summary: 'List the open invitations of a brand, newest first',
          params: brandId,
          response: {
            200: closed({ items: Type.Array(InvitationSchema) }),
            ...problems('forbidden', 'brand_not_found'),
          },
        },
      },
      async ({ actor, params: { id } }) => {
        const rows = await retryRead(() => viewInvitations(app.db, actor, id));
        return {
          items: rows.map(({ invitation_id, ...rest }) => ({ id: invitation_id, ...rest })),
        };
      },
    );

    server.post(
      '/brands/:id/invitations',
      {
        schema: {
          tags: ['catalogue'],
          summary: 'Invite a person by e-mail; the link works once, for seven days',
          params: brandId,
          body: closed({
            email: text(3, 254),
            role: choice(invitedRoles),
            language: Type.Optional(choice(languages)),
          }),
          response: {
            201: closed({ id: Id, email: Type.String(), expires_at: Timestamp }),
            ...problems(
              'forbidden',
              'reauthentication_required',
              'brand_not_found',
              'verified_email_required',
              'too_many_invitations',
              'mail_budget_spent',
              'mail_unavailable',
            ),
          },
        },
      },
      async (request, reply) => {
        const { email, role, language = 'id' } = request.body;
        const origin = originForEmails(app, request);
        const wish = { brandId: request.params.id, email, role, language, origin };
        const made = await inviteByMail(app, request.actor, wish);
        const { invitationId: id, expiresAt: expires_at } = made;
        return reply.code(201).send({ id, email: made.email, expires_at });
      },
    );

    server.delete(
      '/brands/:id/invitations/:invitation_id',
      {
        schema: {
          tags: ['catalogue'],
          summary: 'Cancel an invitation',
          params: closed({ id: Id, invitation_id: Id }),
          response: {
            200: closed({ id: Id }),
            ...problems('forbidden', 'brand_not_found', 'invitation_not_found'),
          },
        },
      },
      async ({ actor, params: { id, invitation_id: invitationId } }) => {
        const which = { brandId: id, invitationId };
        await runInTransaction(app.db, (tx) => withdrawInvitation(tx, actor, which));
        return { id: invitationId };
      },
    );

    server.post(
      '/invitations/accept',
      {
        schema: {
          tags: ['catalogue'],
          summary: 'Accept an invitation',
          body: closed({ token: Type.String({ maxLength: 100, pattern: '^[\\w-]{20,100}$' }) }),
          response: {
            200: closed({ brand_id: Id, role: choice(brandRoles) }),
            ...problems('forbidden', 'invitation_not_found', 'already_member'),
          },
        },
      },
      async ({ actor, body: { token } }) => {
        const joined = await runInTransaction(app.db, (tx) => acceptInvitation(tx, actor, token));
        return { brand_id: joined.brandId, role: joined.role };
      },
    );
  };
}

const memberProblems = (...codes: readonly ErrorCode[]) =>
  problems(
    'forbidden',
    'reauthentication_required',
    'brand_not_found',
    'member_not_found',
    ...codes,
  );

const MemberSchema = closed(
  {
    user_id: Id,
    role: choice(brandRoles),
    display_name: nullable(Type.String()),
    email: nullable(Type.String()),
    created_at: Timestamp,
  },
  { title: 'Member' },
);

const InvitationSchema = closed(
  {
    id: Id,
    email: Type.String(),
    role: choice(brandRoles),
    created_at: Timestamp,
    expires_at: Timestamp,
  },
  { title: 'Invitation' },
);

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

function required(body: { brand_id: string; name: string; base_price: number }) {
  return { brandId: body.brand_id, name: body.name, basePrice: BigInt(body.base_price) };
}

function brandOf({ brand_id: id, name, created_at, updated_at }: BrandRow) {
  return { id, name, created_at, updated_at };
}

function productOf(row: ProductRow) {
  const { product_id: id, picture_digest, picture_width, picture_height, ...rest } = row;
  const picture = pictureOf({ picture_digest, picture_width, picture_height });
  return { id, ...rest, picture };
}
