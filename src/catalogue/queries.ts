import { query } from '../database/query.ts';
import type { BrandRole } from '../identity/policy.ts';
import type { PictureVariant } from './picture.ts';

export interface BrandRow {
  readonly brand_id: string;
  readonly name: string;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface ProductRow {
  readonly product_id: string;
  readonly brand_id: string;
  readonly name: string;
  readonly description: string;
  /** The normal price in whole rupiah. */
  readonly base_price: bigint;
  readonly sambatan_enabled: boolean;
  readonly weight_grams: number | null;
  readonly picture_digest: string | null;
  /** Width of the largest variant, in pixels. */
  readonly picture_width: number | null;
  readonly picture_height: number | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const brandColumns = 'brand_id, name, created_at, updated_at';
const productColumns = `product_id, brand_id, name, description, base_price, sambatan_enabled,
    weight_grams, picture_digest, picture_width, picture_height, created_at, updated_at`;

export const insertBrand = query<[brandId: string, name: string], BrandRow>(
  'insert_brand',
  `insert into sambatan.brands (brand_id, name) values ($1, $2) returning ${brandColumns}`,
);

export const findBrand = query<[brandId: string], BrandRow>(
  'find_brand',
  `select ${brandColumns} from sambatan.brands where brand_id = $1`,
);

export const updateBrand = query<[brandId: string, name: string], BrandRow>(
  'update_brand',
  `update sambatan.brands set name = $2, updated_at = now() where brand_id = $1
  returning ${brandColumns}`,
);

/** A brand with the role of one of its members. */
export interface BrandOfMemberRow extends BrandRow {
  readonly role: BrandRole;
}

export const listBrandsOf = query<[userId: string], BrandOfMemberRow>(
  'list_brands_of',
  `select b.brand_id, b.name, b.created_at, b.updated_at, m.role
  from sambatan.brand_members m
  join sambatan.brands b on b.brand_id = m.brand_id
  where m.user_id = $1
  order by lower(b.name), b.brand_id limit 200`,
);

export const insertMember = query<[brandId: string, userId: string, role: BrandRole], never>(
  'insert_member',
  'insert into sambatan.brand_members (brand_id, user_id, role) values ($1, $2, $3)',
);

/** The role of a user in a brand; no row when there is none. */
export const findRole = query<[brandId: string, userId: string], { readonly role: BrandRole }>(
  'find_role',
  'select role from sambatan.brand_members where brand_id = $1 and user_id = $2',
);

export const insertProduct = query<
  [
    productId: string,
    brandId: string,
    name: string,
    description: string,
    basePrice: bigint,
    sambatanEnabled: boolean,
    weightGrams: number | null,
  ],
  ProductRow
>(
  'insert_product',
  `insert into sambatan.products
    (product_id, brand_id, name, description, base_price, sambatan_enabled, weight_grams)
  values ($1, $2, $3, $4, $5, $6, $7)
  returning ${productColumns}`,
);

export const findProduct = query<[productId: string], ProductRow>(
  'find_product',
  `select ${productColumns} from sambatan.products where product_id = $1`,
);

/** Sets the fields of a product that are not null. A weight of zero removes the weight. */
export const updateProduct = query<
  [
    productId: string,
    name: string | null,
    description: string | null,
    basePrice: bigint | null,
    sambatanEnabled: boolean | null,
    weightGrams: number | null,
  ],
  ProductRow
>(
  'update_product',
  `update sambatan.products set name = coalesce($2, name),
    description = coalesce($3, description), base_price = coalesce($4, base_price),
    sambatan_enabled = coalesce($5, sambatan_enabled),
    weight_grams = nullif(coalesce($6, weight_grams), 0), updated_at = now()
  where product_id = $1
  returning ${productColumns}`,
);

/** A page of products, newest first, of one brand or of all. */
export const listProducts = query<
  [brandId: string | null, after: string | null, limit: number],
  ProductRow
>(
  'list_products',
  `select ${productColumns} from sambatan.products
  where ($1::uuid is null or brand_id = $1) and ($2::uuid is null or product_id < $2)
  order by product_id desc limit $3`,
);

/**
 * The enabled products of a brand, which campaigns can use, newest first: at most as many as a form
 * can list.
 */
export const listEnabledProducts = query<[brandId: string], ProductRow>(
  'list_enabled_products',
  `select ${productColumns} from sambatan.products
  where brand_id = $1 and sambatan_enabled order by product_id desc limit 200`,
);

/** One variant of a picture; no row when it was deleted. */
export const findPicture = query<
  [digest: string, variant: PictureVariant],
  { readonly bytes: Buffer }
>('find_picture', 'select bytes from sambatan.pictures where digest = $1 and variant = $2');

export const insertPicture = query<
  [digest: string, variant: PictureVariant, productId: string, bytes: Buffer],
  never
>(
  'insert_picture',
  `insert into sambatan.pictures (digest, variant, product_id, bytes) values ($1, $2, $3, $4)
  on conflict (digest, variant) do nothing`,
);

/** Deletes all pictures of a product except the one with this content hash. */
export const deletePictures = query<[productId: string, keptDigest: string | null], never>(
  'delete_pictures',
  'delete from sambatan.pictures where product_id = $1 and digest is distinct from $2',
);

/** Sets the picture of a product; null values remove it. */
export const updateProductPicture = query<
  [productId: string, digest: string | null, width: number | null, height: number | null],
  ProductRow
>(
  'update_product_picture',
  `update sambatan.products set picture_digest = $2, picture_width = $3, picture_height = $4,
    updated_at = now()
  where product_id = $1
  returning ${productColumns}`,
);
