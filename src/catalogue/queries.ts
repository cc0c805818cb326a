import { query } from '../database/query.ts';
import type { BrandRole } from '../identity/policy.ts';

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
  /** Whole rupiah. */
  readonly base_price: bigint;
  readonly sambatan_enabled: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const brandColumns = 'brand_id, name, created_at, updated_at';
const productColumns = `product_id, brand_id, name, description, base_price, sambatan_enabled,
    created_at, updated_at`;

export const insertBrand = query<[brandId: string, name: string], BrandRow>(
  'insert_brand',
  `insert into sambatan.brands (brand_id, name) values ($1, $2) returning ${brandColumns}`,
);

export const findBrand = query<[brandId: string], BrandRow>(
  'find_brand',
  `select ${brandColumns} from sambatan.brands where brand_id = $1`,
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
  ],
  ProductRow
>(
  'insert_product',
  `insert into sambatan.products
    (product_id, brand_id, name, description, base_price, sambatan_enabled)
  values ($1, $2, $3, $4, $5, $6)
  returning ${productColumns}`,
);

export const findProduct = query<[productId: string], ProductRow>(
  'find_product',
  `select ${productColumns} from sambatan.products where product_id = $1`,
);

/** Changes what is not null and leaves the rest. */
export const updateProduct = query<
  [
    productId: string,
    name: string | null,
    description: string | null,
    basePrice: bigint | null,
    sambatanEnabled: boolean | null,
  ],
  ProductRow
>(
  'update_product',
  `update sambatan.products set name = coalesce($2, name),
    description = coalesce($3, description), base_price = coalesce($4, base_price),
    sambatan_enabled = coalesce($5, sambatan_enabled), updated_at = now()
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
