import type { FastifyRequest } from 'fastify';
import Type from 'typebox';
import { makePicture, type MadePicture } from '../../../catalogue/make-picture.ts';
import {
  createProduct,
  editProduct,
  authorizeOnBrand,
  authorizeOnProduct,
  removePicture,
  setPicture,
} from '../../../catalogue/operations.ts';
import { findBrand, listProducts, type ProductRow } from '../../../catalogue/queries.ts';
import { productFields } from '../../../catalogue/schemas.ts';
import type { PageDeps } from '../../deps.ts';
import type { Tx } from '../../../database/transaction.ts';
import type { DomainError } from '../../../errors/errors.ts';
import { cursorAfter } from '../../../http/cursor.ts';
import { formParser, toResult, type ParseResult } from '../../../http/forms.ts';
import { closed } from '../../../http/schemas.ts';
import {
  redirect,
  sendPage,
  type PagePlugin,
  type PageServer,
} from '../../../http/page-response.ts';
import { readUpload, takeUploads } from '../../../uploads/uploads.ts';
import { newId } from '../../../identity/ids.ts';
import { runInTransaction } from '../../../operation/run.ts';
import { html } from '../../../web/html.ts';
import type { PageContext } from '../../../web/visit.ts';
import { flashMessage, withFlash } from '../../kit/flash.ts';
import { statusOf, type FormState } from '../../kit/form-action.ts';
import { queryParam, idParam } from '../../kit/params.ts';
import { requireSignedIn } from '../../kit/signed-in.ts';
import { cursorPage } from '../../kit/cursor-page.ts';
import { productList, productForm } from './product-pages.ts';

const readProduct = formParser(
  closed({ ...productFields, description: Type.Optional(productFields.description) }),
);

type ProductForm = Extract<ReturnType<typeof readProduct>, { value: unknown }>['value'];

const pageSize = 24;

/** Registers the pages for a brand's products. Every campaign is about one product. */
export function productPages(app: PageDeps): PagePlugin {
  return async (server) => {
    takeUploads(server);
    productListRoutes(server, app);
    oneProductRoutes(server, app);
  };
}

/** Registers the page that lists the products of a brand, and the form for a new product. */
function productListRoutes(server: PageServer, app: PageDeps): void {
  server.get('/toko/:id/produk', async (request, reply) => {
    const { visit } = request;
    requireSignedIn(visit);
    const id = idParam(request);
    const shop = await authorizeOnBrand(app.db, visit.actor, 'product.create', id);
    const [last = null] = cursorAfter(queryParam(request, 'cursor'), ['id']);
    const rows = await app.db.rows(listProducts, id, last, pageSize + 1);
    const list = cursorPage(visit, rows, {
      size: pageSize,
      url: visit.url(`/toko/${id}/produk`),
      isFirst: last === null,
      cursorOf: (row) => [row.product_id],
    });
    const page = productList(visit, shop, list);
    return sendPage(request, reply, {
      ...page,
      main: html`${flashMessage(request)}${page.main}`,
    });
  });

  server.get('/toko/:id/produk/baru', async (request, reply) => {
    const { visit } = request;
    requireSignedIn(visit);
    const { brand } = await authorizeOnBrand(
      app.db,
      visit.actor,
      'product.create',
      idParam(request),
    );
    return sendPage(request, reply, productForm(visit, brand, undefined, { typed: {} }));
  });

  server.post('/toko/:id/produk/baru', async (request, reply) => {
    const { visit } = request;
    requireSignedIn(visit);
    const { actor } = visit;
    const { brand } = await authorizeOnBrand(app.db, actor, 'product.create', idParam(request));
    const save = async (tx: Tx, form: ProductForm) => {
      const input = { ...inputOf(form), brandId: brand.brand_id };
      return (await createProduct(tx, actor, input)).product_id;
    };
    const sent = await sentProduct(app, request, undefined, save);
    if ('done' in sent) {
      return redirect(request, reply, withFlash(`/toko/${brand.brand_id}/produk`, 'produk-dibuat'));
    }
    return sendPage(request, reply, productForm(visit, brand, undefined, sent), sent.status);
  });
}

/** Registers the form of one product. */
function oneProductRoutes(server: PageServer, app: PageDeps): void {
  server.get('/toko/produk/:id', async (request, reply) => {
    const { visit } = request;
    requireSignedIn(visit);
    const { brand, product } = await productAndBrand(app, visit, idParam(request));
    const page = productForm(visit, brand, product, { typed: typedOf(product) });
    return sendPage(request, reply, {
      ...page,
      main: html`${flashMessage(request)}${page.main}`,
    });
  });

  server.post('/toko/produk/:id', async (request, reply) => {
    const { visit } = request;
    requireSignedIn(visit);
    const { brand, product } = await productAndBrand(app, visit, idParam(request));
    const { product_id: id } = product;
    const save = async (tx: Tx, form: ProductForm) =>
      (await editProduct(tx, visit.actor, id, inputOf(form))).product_id;
    const sent = await sentProduct(app, request, id, save);
    if ('done' in sent) {
      return redirect(request, reply, withFlash(`/toko/produk/${id}`, 'tersimpan'));
    }
    return sendPage(request, reply, productForm(visit, brand, product, sent), sent.status);
  });

  server.post('/toko/produk/:id/gambar/hapus', async (request, reply) => {
    const id = idParam(request);
    requireSignedIn(request.visit);
    await runInTransaction(app.db, (tx) => removePicture(tx, request.visit.actor, id));
    return redirect(request, reply, withFlash(`/toko/produk/${id}`, 'foto-dihapus'));
  });
}

async function productAndBrand(app: PageDeps, visit: PageContext, productId: string) {
  const product = await authorizeOnProduct(app.db, visit.actor, 'product.edit', productId);
  return { product, brand: await app.db.one(findBrand, product.brand_id) };
}

type Sent = { readonly done: string } | (FormState & { readonly status: number });

/**
 * Handles the form of a product: saves its fields and, if one was sent, its picture in one
 * transaction. After an error a browser does not keep the chosen file, so all errors are reported
 * together to spare the user another upload.
 */
async function sentProduct(
  app: PageDeps,
  request: FastifyRequest,
  productId: string | undefined,
  save: (tx: Tx, form: ProductForm) => Promise<string>,
): Promise<Sent> {
  const upload = await toResult(() => readUpload(request));
  if ('refused' in upload) return { typed: {}, ...shownOf(upload.refused) };
  const reading: ParseResult<ProductForm> = readProduct(upload.done.fields);
  const { typed } = reading;
  const picture = await pictureIn(upload.done.picture, productId);
  const wrong = [
    ...('errors' in reading ? reading.errors : []),
    ...('errors' in picture ? picture.errors : []),
  ];
  if (!('value' in reading) || !('made' in picture)) return { typed, errors: wrong, status: 422 };
  const { made } = picture;
  const saved = await toResult(() =>
    runInTransaction(app.db, async (tx) => {
      const id = await save(tx, reading.value);
      if (made !== undefined) await setPicture(tx, request.visit.actor, id, made);
      return id;
    }),
  );
  return 'done' in saved ? saved : { typed, ...shownOf(saved.refused) };
}

async function pictureIn(bytes: Buffer | undefined, productId: string = newId()) {
  if (bytes === undefined) return { made: undefined as MadePicture | undefined };
  const made = await toResult(() => makePicture(productId, bytes));
  return 'done' in made ? { made: made.done } : { errors: made.refused.fields };
}

function shownOf(refused: DomainError): Omit<FormState, 'typed'> & { readonly status: number } {
  return refused.fields.length > 0
    ? { errors: refused.fields, status: 422 }
    : { refused, status: statusOf(refused) };
}

function inputOf(form: ProductForm) {
  return {
    name: form.name.trim(),
    description: form.description ?? '',
    basePrice: BigInt(form.base_price),
    sambatanEnabled: form.sambatan_enabled,
    weightGrams: form.weight_grams,
  };
}

function typedOf(product: ProductRow): FormState['typed'] {
  return {
    name: product.name,
    description: product.description,
    base_price: String(product.base_price),
    weight_grams: product.weight_grams === null ? '' : String(product.weight_grams),
    ...(product.sambatan_enabled ? { sambatan_enabled: 'on' } : {}),
  };
}
