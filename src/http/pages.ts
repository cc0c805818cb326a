import type { App } from '../context.ts';
import { accountPages } from '../pages/account/pages.ts';
import { buyerPages } from '../pages/buyer/pages.ts';
import { operatorPages } from '../pages/operator/pages.ts';
import { sellerPages } from '../pages/seller/pages.ts';
import { unsubscribePages } from '../pages/unsubscribe.ts';
import { visitorPages } from '../pages/visitor/pages.ts';
import { pictureFiles } from './pictures.ts';
import { siteFiles } from './site-files.ts';
import type { Pages } from './site.ts';

/** The pages of every part of the site, for buildServer. */
export function pagesOf(app: App): Pages[] {
  return [
    visitorPages(app),
    buyerPages(app),
    sellerPages(app),
    accountPages(app),
    operatorPages(app),
    unsubscribePages(app),
  ];
}

/** Files that are the same in every language, and for everybody. */
export function filesOf(app: App): Pages[] {
  return [pictureFiles(app), siteFiles(app)];
}
