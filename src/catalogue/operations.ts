import type { Queryable } from '../database/query.ts';
import type { Tx } from '../database/transaction.ts';
import { DomainError } from '../errors.ts';
import { newId } from '../identity/ids.ts';
import type { Actor } from '../identity/actor.ts';
import { permit, type BrandRole } from '../identity/policy.ts';
import * as sql from './queries.ts';

/**
 * The role in a brand of whoever asks; undefined for people who are not its members, and for
 * callers who are nobody's member (visitors, the service).
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
 * Makes a brand; the user who makes it is its owner. The service names the owner with `ownerId`, or
 * makes a brand that has no member yet. Refuses: forbidden, also for a brand of somebody else's.
 */
export async function createBrand(
  tx: Tx,
  actor: Actor,
  input: { readonly name: string; readonly ownerId?: string | undefined },
): Promise<sql.BrandRow> {
  const caller = permit(actor, 'brand.create');
  const ownerId = caller.kind === 'service' ? input.ownerId : caller.userId;
  if (input.ownerId !== undefined && input.ownerId.toLowerCase() !== ownerId?.toLowerCase()) {
    throw new DomainError('forbidden', {});
  }
  const brand = await tx.one(sql.insertBrand, newId(), input.name);
  if (ownerId !== undefined) await tx.rows(sql.insertMember, brand.brand_id, ownerId, 'owner');
  return brand;
}

export interface ProductInput {
  readonly brandId: string;
  readonly name: string;
  readonly description?: string | undefined;
  /** Whole rupiah. */
  readonly basePrice: bigint;
  readonly sambatanEnabled?: boolean | undefined;
}

/** Adds a product to a brand. Refuses: brand_not_found, forbidden. */
export async function createProduct(
  tx: Tx,
  actor: Actor,
  input: ProductInput,
): Promise<sql.ProductRow> {
  const brand = await tx.maybe(sql.findBrand, input.brandId);
  if (brand === undefined) throw new DomainError('brand_not_found', {});
  permit(actor, 'product.create', { brandRole: await brandRoleOf(tx, actor, input.brandId) });
  return await tx.one(
    sql.insertProduct,
    newId(),
    input.brandId,
    input.name,
    input.description ?? '',
    input.basePrice,
    input.sambatanEnabled ?? false,
  );
}

/** What is undefined stays as it is. */
export type ProductChange = {
  readonly [K in Exclude<keyof ProductInput, 'brandId'>]?: ProductInput[K] | undefined;
};

/** Changes the given fields of a product. Refuses: product_not_found, forbidden. */
export async function editProduct(
  tx: Tx,
  actor: Actor,
  productId: string,
  change: ProductChange,
): Promise<sql.ProductRow> {
  const product = await tx.maybe(sql.findProduct, productId);
  if (product === undefined) throw new DomainError('product_not_found', {});
  permit(actor, 'product.edit', { brandRole: await brandRoleOf(tx, actor, product.brand_id) });
  return await tx.one(
    sql.updateProduct,
    productId,
    change.name ?? null,
    change.description ?? null,
    change.basePrice ?? null,
    change.sambatanEnabled ?? null,
  );
}
