/** The picture columns of a product's row. Either all of them are null or none is. */
export interface PictureColumns {
  readonly picture_digest: string | null;
  readonly picture_width: number | null;
  readonly picture_height: number | null;
}

/** The paths of a picture's variants on the site, and the picture's size. */
export interface Picture {
  /** Path of the JPEG in the largest width, for clients that do not support `srcset`. */
  readonly src: string;
  /** Paths of the WebP variants in every width, in the format of the `srcset` attribute. */
  readonly srcset: string;
  /** Width of the largest variant, in pixels. */
  readonly width: number;
  readonly height: number;
}

/** The widths in which pictures are stored, in pixels. A smaller original is not enlarged. */
export const pictureWidths = [480, 960] as const;

export const pictureVariants = ['480.webp', '960.webp', '960.jpg'] as const;
export type PictureVariant = (typeof pictureVariants)[number];

/**
 * Returns the path of a variant. The path contains the hash of the content, so it can be cached
 * forever.
 */
export function picturePath(digest: string, variant: PictureVariant): string {
  return `/gambar/${digest}-${variant}`;
}

/** Returns the content hash that names the picture's variants in the database. */
export function digestOf({ src }: Picture): string {
  return src.slice('/gambar/'.length, -'-960.jpg'.length);
}

/** Returns the picture of a product's row; null when it has none. */
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
