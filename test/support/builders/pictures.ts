import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';

/** A picture with some detail and with a location in its metadata, like a photograph of a phone. */
export async function photo({
  width = 1_200,
  height = 900,
  format = 'jpeg',
}: PhotoWish = {}): Promise<Buffer> {
  const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
  return await sharp({ create: { width, height, channels: 3, background: '#c86496', noise } })
    .blur(6)
    .withExif({ IFD0: { Make: 'Kamera Rahasia' }, IFD3: { GPSLatitude: '7/1 48/1 0/1' } })
    .toFormat(format)
    .toBuffer();
}

interface PhotoWish {
  readonly width?: number;
  readonly height?: number;
  readonly format?: 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif';
}

/** The body of an upload to the API. The file has the media type that the caller declares. */
export async function pictureForm(bytes: Uint8Array, field = 'picture') {
  const form = new FormData();
  form.set(field, new Blob([new Uint8Array(bytes)], { type: 'image/jpeg' }), 'foto.jpg');
  const packed = new Response(form);
  return {
    body: Buffer.from(await packed.arrayBuffer()),
    headers: { 'content-type': packed.headers.get('content-type')! },
  };
}

/** The pixel format of a PNG: bits per channel, colour type, number of channels. */
interface Pixels {
  readonly bits: number;
  readonly colour: number;
  readonly channels: number;
}
/** One bit per pixel. Rows of zeros compress to almost nothing. */
const blackOrWhite: Pixels = { bits: 1, colour: 0, channels: 1 };
/** Eight bytes per pixel: four channels of 16 bits. */
export const deepPixels: Pixels = { bits: 16, colour: 6, channels: 4 };

/** A PNG of a few kilobytes. With fewer `rows` than `height` the declared height is false. */
export function png(width: number, height: number, rows = height, pixels = blackOrWhite): Buffer {
  const { bits, colour, channels } = pixels;
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([bits, colour, 0, 0, 0], 8);
  const row = Math.ceil((width * bits * channels) / 8) + 1;
  const data = deflateSync(Buffer.alloc(row * Math.min(rows, height)), { level: 9 });
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return Buffer.concat([signature, chunk('IHDR', head), chunk('IDAT', data), chunk('IEND')]);
}

function chunk(name: string, data = Buffer.alloc(0)): Buffer {
  const body = Buffer.concat([Buffer.from(name), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
