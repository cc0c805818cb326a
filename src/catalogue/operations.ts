import { wording } from '../i18n/messages.ts';
import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError, invalidField, refusals } from '../errors/errors.ts';
import { newId } from '../identity/ids.ts';
import type { Actor, SignedIn } from '../identity/actor.ts';
import { authorize, type Action, type BrandRole } from '../identity/policy.ts';
import type { MadePicture } from './make-picture.ts';
import type { RateLimiter } from '../overload/rate-limiter.ts';
import * as sql from './queries.ts';

/**
 * Returns the caller's role in a brand. Undefined for a user who is not a member, for a visitor and
 * for the service.
 */
export async function brandRoleOf(
  db: Queryable,
  actor: Actor,
  brandId: string,
): Promise<BrandRole | undefined> {
  if (actor.kind !== 'user' && actor.kind !== 'operator') return undefined;
  return (await db.maybe(sql.findRole, brandId, actor.userId))?.role;
}

/**
 * Creates a brand. The user who creates the brand becomes its owner. When the service creates it,
 * `ownerId` names the owner.
 */
export async function createBrand(
  tx: Tx,
  actor: Actor,
  input: { readonly name: string; readonly ownerId?: string | undefined },
  limiter?: RateLimiter,
): Promise<sql.BrandRow> {
  const caller = authorize(actor, 'brand.create');
  if (caller.kind === 'user') await limiter?.spend(tx, 'brandsOfAccount', caller.userId);
  const ownerId = caller.kind === 'service' ? input.ownerId : caller.userId;
  if (input.ownerId !== undefined && input.ownerId.toLowerCase() !== ownerId?.toLowerCase()) {
    throw new DomainError('forbidden', {});
  }
  if (ownerId === undefined) {
    throw invalidField('owner_id', wording('errors.field.ownerRequired'));
  }
  const brand = await tx.one(sql.insertBrand, newId(), input.name);
  await tx.rows(sql.insertMember, brand.brand_id, ownerId, 'owner');
  return brand;
}
createBrand.refusals = refusals(authorize, 'rate_limited');

/** Returns a brand. */
export async function readBrand(db: Queryable, brandId: string): Promise<sql.BrandRow> {
  const brand = await db.maybe(sql.findBrand, brandId);
  if (brand === undefined) throw new DomainError('brand_not_found', {});
  return brand;
}
readBrand.refusals = refusals('brand_not_found');

/** Changes a brand's name. */
export async function renameBrand(
  tx: Tx,
  actor: Actor,
  brandId: string,
  name: string,
): Promise<sql.BrandRow> {
  await authorizeOnBrand(tx, actor, 'brand.edit', brandId);
  return await tx.one(sql.updateBrand, brandId, name);
}
renameBrand.refusals = refusals(authorizeOnBrand);

/** Checks that the caller may do this to the brand; throws otherwise. */
export async function authorizeOnBrand(
  db: Queryable,
  actor: Actor,
  action: Action,
  brandId: string,
): Promise<{ brand: sql.BrandRow; caller: SignedIn; role: BrandRole | undefined }> {
  const brand = await readBrand(db, brandId);
  const role = await brandRoleOf(db, actor, brandId);
  return { brand, role, caller: authorize(actor, action, { brandRole: role }) };
}
authorizeOnBrand.refusals = refusals(readBrand, authorize);

/** Checks that the caller may do this to the product; throws otherwise. */
export async function authorizeOnProduct(
  db: Queryable,
  actor: Actor,
  action: Action,
  productId: string,
): Promise<sql.ProductRow> {
  const product = await db.maybe(sql.findProduct, productId);
  if (product === undefined) throw new DomainError('product_not_found', {});
  authorize(actor, action, { brandRole: await brandRoleOf(db, actor, product.brand_id) });
  return product;
}
authorizeOnProduct.refusals = refusals(authorize, 'product_not_found');

/** Returns a product. */
export async function readProduct(
  db: Queryable,
  actor: Actor,
  productId: string,
): Promise<sql.ProductRow> {
  authorize(actor, 'product.read');
  const product = await db.maybe(sql.findProduct, productId);
  if (product === undefined) throw new DomainError('product_not_found', {});
  return product;
}
readProduct.refusals = refusals('product_not_found');

export interface ProductInput {
  readonly brandId: string;
  readonly name: string;
  readonly description?: string | undefined;
  /** The normal price in whole rupiah. */
  readonly basePrice: bigint;
  readonly sambatanEnabled?: boolean | undefined;
  /** The packed weight of one slot in grams; null when the seller did not set it. */
  readonly weightGrams?: number | null | undefined;
}

/** Adds a product to a brand. */
export async function createProduct(
  tx: Tx,
  actor: Actor,
  input: ProductInput,
): Promise<sql.ProductRow> {
  await authorizeOnBrand(tx, actor, 'product.create', input.brandId);
  return await tx.one(
    sql.insertProduct,
    newId(),
    input.brandId,
    input.name,
    input.description ?? '',
    input.basePrice,
    input.sambatanEnabled ?? false,
    input.weightGrams ?? null,
  );
}
createProduct.refusals = refusals(authorizeOnBrand);

/** The fields to change; undefined fields do not change. */
export type ProductChange = {
  readonly [K in Exclude<keyof ProductInput, 'brandId'>]?: ProductInput[K] | undefined;
};

/** Changes the given fields of a product. */
export async function editProduct(
  tx: Tx,
  actor: Actor,
  productId: string,
  change: ProductChange,
): Promise<sql.ProductRow> {
  await authorizeOnProduct(tx, actor, 'product.edit', productId);
  return await tx.one(
    sql.updateProduct,
    productId,
    change.name ?? null,
    change.description ?? null,
    change.basePrice ?? null,
    change.sambatanEnabled ?? null,
    change.weightGrams === null ? 0 : (change.weightGrams ?? null),
  );
}
editProduct.refusals = refusals(authorizeOnProduct);

/** Replaces the picture of a product. */
export async function setPicture(
  tx: Tx,
  actor: Actor,
  productId: string,
  { digest, width, height, variants }: MadePicture,
): Promise<sql.ProductRow> {
  await authorizeOnProduct(tx, actor, 'product.edit', productId);
  // Lock the product's row first, so that only one picture stays after two uploads at the same
  // time.
  const product = await tx.one(sql.updateProductPicture, productId, digest, width, height);
  await tx.rows(sql.deletePictures, productId, digest);
  for (const { variant, bytes } of variants) {
    await tx.rows(sql.insertPicture, digest, variant, productId, bytes);
  }
  return product;
}
setPicture.refusals = refusals(authorizeOnProduct);

/** Removes a product's picture, if any. */
export async function removePicture(
  tx: Tx,
  actor: Actor,
  productId: string,
): Promise<sql.ProductRow> {
  await authorizeOnProduct(tx, actor, 'product.edit', productId);
  const product = await tx.one(sql.updateProductPicture, productId, null, null, null);
  await tx.rows(sql.deletePictures, productId, null);
  return product;
}
removePicture.refusals = refusals(authorizeOnProduct);
