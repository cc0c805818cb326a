import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { BatchLoader } from '../database/batch-loader.ts';
import { layout, type PageProps } from '../web/layout.ts';
import type { PageContext } from '../web/visit.ts';
import { encodingTaken, type Encoding } from './site-assets.ts';
import { asPage } from './page-response.ts';

/** A rendered page that is sent to many visitors. It is compressed once per encoding. */
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
 * Renders a page once for many visitors who request it at the same time and see an equal page.
 * While the page is being rendered, further requests wait for the next rendering and then share its
 * result. So only one rendering of a page runs at a time, however many visitors open it. Nothing is
 * cached: the data of a response is always read after its request arrived.
 */
export class SharedPageCache {
  readonly #render: (visit: PageContext, id: string) => Promise<PageProps>;
  readonly #waiting = new Map<string, { readonly visit: PageContext; readonly id: string }>();
  readonly #pages = new BatchLoader<RenderedPage | { readonly error: unknown }>((keys) =>
    this.#renderAll(keys),
  );

  /**
   * `render` renders the page with this id. Its argument is the page context of one of the waiting
   * requests.
   */
  constructor(render: (visit: PageContext, id: string) => Promise<PageProps>) {
    this.#render = render;
  }

  /** Sends the page to a visitor. Throws the error of `render`. */
  async send(request: FastifyRequest, reply: FastifyReply, id: string): Promise<FastifyReply> {
    const { visit } = request;
    // The key contains everything that can differ between two visitors of a page. Visitors have no
    // account.
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

  /** Catches the error of one page, so that the other pages are still sent. */
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
