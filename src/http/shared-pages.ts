import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BatchLoader } from '../database/batch-loader.ts';
import { layout, type PageProps } from '../web/layout.ts';
import type { PageContext } from '../web/visit.ts';
import { encodingTaken, type Encoding } from './site-assets.ts';
import { asPage } from './page-response.ts';

/** A rendered page for many readers, compressed once per encoding. */
class RenderedPage {
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
 * Coalesces renderings of pages that are equal for all visitors. While a page is being rendered,
 * further requests wait for the next rendering, which serves all of them: a burst on one link
 * costs one rendering per database read. Nothing is cached: every response was read after its
 * request.
 */
export class SharedPageCache {
  readonly #render: (visit: PageContext, id: string) => Promise<PageProps>;
  readonly #waiting = new Map<string, { readonly visit: PageContext; readonly id: string }>();
  readonly #pages = new BatchLoader<RenderedPage | { readonly error: unknown }>((keys) =>
    this.#renderAll(keys),
  );

  /**
   * `render` renders the page with this id; it gets the page context of one of the waiting requests.
   */
  constructor(render: (visit: PageContext, id: string) => Promise<PageProps>) {
    this.#render = render;
  }

  /** Sends the page to a visitor. Throws the error of `render`. */
  async send(request: FastifyRequest, reply: FastifyReply, id: string): Promise<FastifyReply> {
    const { visit } = request;
    // Everything on a page that depends on its reader, except the account (visitors have none).
    const key = JSON.stringify([
      id,
      visit.language,
      visit.preferred,
      visit.theme,
      visit.origin,
      visit.path,
    ]);
    if (!this.#waiting.has(key)) this.#waiting.set(key, { visit, id });
    const page = await this.#pages.find(key);
    if (!(page instanceof RenderedPage)) throw page?.error;
    const encoding = encodingTaken(request);
    const bytes = await page.in(encoding);
    if (encoding !== undefined) reply.header('content-encoding', encoding);
    return asPage(reply.header('vary', 'accept-encoding')).send(bytes);
  }

  async #renderAll(keys: readonly string[]) {
    return new Map(
      await Promise.all(keys.map(async (key) => [key, await this.#renderOne(key)] as const)),
    );
  }

  /** An error of one page does not affect the others. */
  async #renderOne(key: string): Promise<RenderedPage | { readonly error: unknown }> {
    const { visit, id } = this.#waiting.get(key)!;
    this.#waiting.delete(key);
    try {
      return new RenderedPage(layout(visit, await this.#render(visit, id)).toString());
    } catch (error) {
      return { error };
    }
  }
}
