/** What a product's row says of its picture; all or none are null. */
export interface PictureColumns {
  readonly picture_digest: string | null;
  readonly picture_width: number | null;
  readonly picture_height: number | null;
}

/** Where a picture's variants are, as paths of the site, and how large it is. */
export interface Picture {
  /** JPEG of the largest width: for whatever does not choose by itself. */
  readonly src: string;
  /** WebP in every width, as `srcset` has it. */
  readonly srcset: string;
  /** Pixels of the largest variant. */
  readonly width: number;
  readonly height: number;
}

/** The widths that pictures are kept in; a smaller original is not enlarged. */
export const pictureWidths = [480, 960] as const;

export const pictureVariants = ['480.webp', '960.webp', '960.jpg'] as const;
export type PictureVariant = (typeof pictureVariants)[number];

/** Names change with what is in them, so that they can be kept for ever. */
export function picturePath(digest: string, variant: PictureVariant): string {
  return `/gambar/${digest}-${variant}`;
}

/** What names the variants of a picture in the database. */
export function digestOf({ src }: Picture): string {
  return src.slice('/gambar/'.length, -'-960.jpg'.length);
}

/** The picture of a product, wherever its columns were read; null when it has none. */
export function pictureOf(row: PictureColumns): Picture | null {
  const { picture_digest: digest, picture_width: width, picture_height: height } = row;
  if (digest === null || width === null || height === null) return null;
  const widths = width > pictureWidths[0] ? pictureWidths : ([960] as const);
  return {
    src: picturePath(digest, '960.jpg'),
    srcset: widths
      .map((one) => `${picturePath(digest, `${one}.webp`)} ${Math.min(one, width)}w`)
      .join(', '),
    width,
    height,
  };
}
