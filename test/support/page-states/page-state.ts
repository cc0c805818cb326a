import type { Page } from 'playwright-core';
import type { Client } from '../clients/client.ts';
import type { HttpService } from '../server/http-service.ts';
import { queryRows } from '../builders/market.ts';
import { hourMs } from '../builders/shop.ts';
import type { SiteClient, SignedInClient } from '../clients/sign-in.ts';

/** One state in which a page is checked. */
export interface PageState {
  readonly path: string;
  /** The client that opens the page; default: a visitor. */
  readonly who?: SiteClient;
  /** The expected status; default: 200. */
  readonly status?: number;
  /** What to do on the page before it is checked. */
  readonly act?: (page: Page) => Promise<void>;
}

/** The states of each page: first by its row in the route table, then by a name. */
export type PageStates = Readonly<Record<string, Readonly<Record<string, PageState>>>>;

export const hostile = `<script>alert(1)</script>"'><img src=x onerror=alert(2)> ${'Panjang'.repeat(8)}`;

export const long =
  'Parfum Sambatan Edisi Ulang Tahun Kesepuluh Melati-Kenanga-Cempaka-Sedapmalam Nusantara Istimewa';

export const day = 24 * hourMs;

/** A user who is signed in to the site and can also call the API. */
export interface Person extends SignedInClient {
  readonly api: Client;
}

/** What all functions that create data need. */
export interface StateBuilderDeps {
  readonly service: HttpService;
  person(name: string): Promise<Person>;
  operator: Person;
  till: string;
}

/** A shop with many members and two products, and functions that create its campaigns. */
export interface StateShop {
  readonly owner: Person;
  readonly brandId: string;
  readonly bare: string;
  readonly pictured: string;
  /** Creates a campaign with long text and large numbers, as the owner of the shop. */
  campaign(wish?: object): Promise<string>;
  /** Creates a campaign with short text and everyday numbers. */
  plain(wish?: object): Promise<string>;
}

export async function settle({ db }: HttpService, campaignId: string): Promise<void> {
  await queryRows(db, 'select sambatan.settle_campaign($1, true, 1000)', campaignId);
}

/**
 * Turns off the browser's own validation, so that a submitted form shows the page with its error.
 */
export async function withoutHelp(page: Page): Promise<void> {
  await page.evaluate('for (const form of document.forms) form.noValidate = true');
}

export async function answered(page: Page, button: { click(): Promise<void> }): Promise<void> {
  const answer = page.waitForResponse((one) => one.request().method() === 'POST');
  await Promise.all([answer, button.click()]);
  await page.waitForLoadState();
  await page.locator('main:not([aria-busy])').waitFor();
}
