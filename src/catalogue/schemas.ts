import Type from 'typebox';
import { closed, Id, nameText, nullable, Rupiah, text, Timestamp } from '../http/schemas.ts';

/** A picture in a response. The paths begin at the root of the site. */
export const PictureSchema = closed(
  {
    src: Type.String({ description: 'JPEG; the path changes with the picture' }),
    srcset: Type.String({ description: 'WebP in several widths, for `srcset`' }),
    width: Type.Integer({ description: 'Pixels of the largest variant' }),
    height: Type.Integer(),
  },
  { title: 'Picture' },
);

export const BrandSchema = closed(
  { id: Id, name: Type.String(), created_at: Timestamp, updated_at: Timestamp },
  { title: 'Brand' },
);

export const ProductSchema = closed(
  {
    id: Id,
    brand_id: Id,
    name: Type.String(),
    description: Type.String(),
    base_price: Rupiah,
    sambatan_enabled: Type.Boolean(),
    weight_grams: nullable(Type.Integer()),
    picture: nullable(PictureSchema),
    created_at: Timestamp,
    updated_at: Timestamp,
  },
  { title: 'Product' },
);

export const brandName = nameText(2, 80);

/** The fields of a product that its seller sets, in the form of the API. */
export const productFields = {
  name: nameText(2, 120),
  description: text(0, 5_000),
  base_price: Type.Integer({ minimum: 1, maximum: 1_000_000_000, description: 'Whole rupiah' }),
  sambatan_enabled: Type.Boolean({ description: 'Whether campaigns can be created for it' }),
  weight_grams: nullable(
    Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Grams of one item, packed' }),
  ),
};
