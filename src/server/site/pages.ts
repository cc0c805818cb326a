import type { PageDeps } from '../../pages/deps.ts';
import { accountPages } from '../../pages/account/index.ts';
import { buyerPages } from '../../pages/buyer/index.ts';
import { operatorPages } from '../../pages/operator/index.ts';
import { sellerPages } from '../../pages/seller/index.ts';
import { unsubscribePages } from '../../pages/unsubscribe.ts';
import { visitorPages } from '../../pages/visitor/index.ts';
import { keyListFile } from '../../public-log/key-list-file.ts';
import { pictureFiles } from './picture-files.ts';
import { siteFiles } from './site-files.ts';
import type { PagePlugin } from '../../http/page-response.ts';

/** Returns the plugins with all pages of the site, for buildServer. */
export function sitePages(app: PageDeps): PagePlugin[] {
  return [
    visitorPages(app),
    buyerPages(app),
    sellerPages(app),
    accountPages(app),
    operatorPages(app),
    unsubscribePages(app),
  ];
}

/** Returns the plugins for files that are equal in every language and for every user. */
export function siteFilePlugins(app: PageDeps): PagePlugin[] {
  return [pictureFiles(app), siteFiles(app), keyListFile(app)];
}
