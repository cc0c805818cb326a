import { hasReceivingAccount } from '../campaigns/queries.ts';
import { createBrand, createProduct } from '../catalogue/operations.ts';
import { listProducts } from '../catalogue/queries.ts';
import type { Database } from '../database/pool.ts';
import type { Log } from '../database/log.ts';
import { addReceivingAccount } from '../ledger/bank-accounts/operations.ts';
import { runInTransaction } from '../operation/run.ts';
import { demoBrands } from './market.ts';
import { demoOperator, demoSeller, type DemoUser } from './people.ts';
import * as sql from './queries.ts';
import { demoScenarios, type Scenario } from './stories.ts';
import { startScenario, finishScenario, type RunningScenario } from './telling.ts';

export interface SeedDeps {
  readonly db: Database;
  readonly log: Log;
  /** When aborted, the creation stops between two steps. */
  readonly signal?: AbortSignal;
  /** Called with the number of finished steps and the total number. */
  readonly onStep?: (done: number, total: number) => void;
}

/** What a run added to the market; all numbers are 0 when the market existed before. */
export interface Seeded {
  readonly brands: number;
  readonly products: number;
  readonly campaigns: number;
}

/** The total number of steps, as `onStep` gets it. */
export const seedSteps = demoBrands.length + 2 * demoScenarios.length;

/** The database has brands that do not belong to the demo. */
export class RealMarket extends Error {
  constructor() {
    super(
      'this database has brands of its own, and what the demo adds to its audit log can never be ' +
        'taken away again; give --force to add it all the same',
    );
    this.name = 'RealMarket';
  }
}

/** Throws RealMarket when the database has brands that do not belong to the demo. */
export async function refuseRealMarket(db: Database): Promise<void> {
  const names = demoBrands.map(({ name }) => name);
  if ((await db.one(sql.findOtherBrand, names)).found) throw new RealMarket();
}

/**
 * Creates the demo market by the normal operations: brands, products, and campaigns in every
 * status. It can run more than once: it skips objects whose names exist. A campaign that an
 * interrupted run left unfinished stays unfinished. This takes a few seconds, because campaigns
 * that end must reach their real deadlines.
 */
export async function seedMarket(parts: SeedDeps): Promise<Seeded> {
  let steps = 0;
  const step = (): void => {
    parts.signal?.throwIfAborted();
    parts.onStep?.(++steps, seedSteps);
  };
  const catalogue = await seedCatalogue(parts, step);
  await seedAccount(parts);
  const open: RunningScenario[] = [];
  for (const [index, story] of demoScenarios.entries()) {
    const product = catalogue.products.get(story.product);
    if (product === undefined) throw new Error(`no demo product is called ${story.product}`);
    if (await isTold(parts.db, product.brandId, story)) step();
    else open.push(await startScenario(parts, story, { ...product, turn: index }));
    step();
  }
  for (const story of open) {
    await finishScenario(parts, story);
    step();
  }
  return { ...catalogue.made, campaigns: open.length };
}

/** Creates a receiving account, because campaigns with upfront payment cannot open without one. */
async function seedAccount({ db }: SeedDeps): Promise<void> {
  if ((await db.one(hasReceivingAccount)).is_there) return;
  const account = { bank: 'Bank Contoh', number: '1234567890', holder: 'Sambatan Contoh' };
  await runInTransaction(db, (tx) => addReceivingAccount(tx, demoOperator, account, true));
}

interface DemoPlace {
  readonly brandId: string;
  readonly productId: string;
  readonly seller: DemoUser;
}

async function seedCatalogue({ db }: SeedDeps, step: () => void) {
  const made = { brands: 0, products: 0 };
  const products = new Map<string, DemoPlace>();
  const names = demoBrands.map(({ name }) => name);
  const known = new Map(
    (await db.rows(sql.findBrandsNamed, names)).map((row) => [row.name, row.brand_id]),
  );
  for (const [index, brand] of demoBrands.entries()) {
    const seller = demoSeller(index + 1);
    let brandId = known.get(brand.name);
    if (brandId === undefined) {
      const row = await runInTransaction(db, (tx) => createBrand(tx, seller, { name: brand.name }));
      brandId = row.brand_id;
      made.brands++;
    }
    const stocked = new Map(
      (await db.rows(listProducts, brandId, null, 1_000)).map((row) => [row.name, row.product_id]),
    );
    for (const { enabled = true, ...product } of brand.products) {
      let productId = stocked.get(product.name);
      if (productId === undefined) {
        const input = { ...product, brandId, sambatanEnabled: enabled };
        productId = (await runInTransaction(db, (tx) => createProduct(tx, seller, input)))
          .product_id;
        made.products++;
      }
      products.set(product.name, { brandId, productId, seller });
    }
    step();
  }
  return { made, products };
}

async function isTold(db: Database, brandId: string, { terms }: Scenario): Promise<boolean> {
  return (await db.rows(sql.findTitles, brandId)).some(({ title }) => title === terms.title);
}
