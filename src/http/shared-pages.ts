import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BatchLoader } from '../database/batch-loader.ts';
import { layout, type PageProps } from '../web/layout.ts';
import type { PageContext } from '../web/visit.ts';
import { encodingTaken, type Encoding } from './site-assets.ts';
import { asPage } from './page-response.ts';

/** A page that many get as it is, compressed once for all who take it so. */
class Drawn {
  readonly #bytes: Buffer;
  readonly #compressed = new Map<Encoding, Promise<Buffer>>();

  constructor(text: string) {
    this.#bytes = Buffer.from(text);
  }

  in(encoding: Encoding | undefined): Buffer | Promise<Buffer> {
    if (encoding === undefined) return this.#bytes;
    let compressed = this.#compressed.get(encoding);
    if (compressed === undefined) {
      compressed = compress[encoding](this.#bytes);
      this.#compressed.set(encoding, compressed);
    }
    return compressed;
  }
}

const brotliQuality = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };
const compress = {
  br: (bytes: Buffer) => promisify(brotliCompress)(bytes, brotliQuality),
  gzip: (bytes: Buffer) => promisify(gzip)(bytes),
} as const satisfies Record<Encoding, unknown>;

/**
 * Pages that are the same for everybody who is not signed in. Those who ask while others are being
 * drawn gather, and one is drawn for all of them: a crowd that follows one link costs one drawing
 * for each read of the database. Nothing is kept: whatever is sent was read after it was asked for.
 */
export class SharedPageCache {
  readonly #draw: (visit: PageContext, id: string) => Promise<PageProps>;
  readonly #asking = new Map<string, { readonly visit: PageContext; readonly id: string }>();
  readonly #drawn = new BatchLoader<Drawn | { readonly error: unknown }>((keys) => this.#all(keys));

  /** `draw` makes the page with this id; it is called with the visit of one of those who ask. */
  constructor(draw: (visit: PageContext, id: string) => Promise<PageProps>) {
    this.#draw = draw;
  }

  /** Sends the page to a visitor. Throws what `draw` throws. */
  async send(request: FastifyRequest, reply: FastifyReply, id: string): Promise<FastifyReply> {
    const { visit } = request;
    // All that a page says of whoever looks, but for who it is: nobody.
    const key = JSON.stringify([
      id,
      visit.language,
      visit.preferred,
      visit.theme,
      visit.origin,
      visit.path,
    ]);
    if (!this.#asking.has(key)) this.#asking.set(key, { visit, id });
    const drawn = await this.#drawn.find(key);
    if (!(drawn instanceof Drawn)) throw drawn?.error;
    const encoding = encodingTaken(request);
    const bytes = await drawn.in(encoding);
    if (encoding !== undefined) reply.header('content-encoding', encoding);
    return asPage(reply.header('vary', 'accept-encoding')).send(bytes);
  }

  async #all(keys: readonly string[]) {
    return new Map(
      await Promise.all(keys.map(async (key) => [key, await this.#one(key)] as const)),
    );
  }

  /** What is wrong with one page is not the others' matter. */
  async #one(key: string): Promise<Drawn | { readonly error: unknown }> {
    const { visit, id } = this.#asking.get(key)!;
    this.#asking.delete(key);
    try {
      return new Drawn(layout(visit, await this.#draw(visit, id)).toString());
    } catch (error) {
      return { error };
    }
  }
}
