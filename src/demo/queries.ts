import { query } from '../database/query.ts';

/** The brands with these names. */
export const findBrandsNamed = query<
  [names: string[]],
  { readonly brand_id: string; readonly name: string }
>('find_brands_named', 'select brand_id, name from sambatan.brands where name = any ($1)');

/** Returns whether there is a brand with any other name. */
export const findOtherBrand = query<[names: string[]], { readonly found: boolean }>(
  'find_other_brand',
  'select exists (select from sambatan.brands where name <> all ($1)) as found',
);

/** The titles of a brand's campaigns. */
export const findTitles = query<[brandId: string], { readonly title: string }>(
  'find_titles',
  'select title from sambatan.campaigns where brand_id = $1',
);
