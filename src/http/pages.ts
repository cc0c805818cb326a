import type { App } from '../context.ts';
import { accountPages } from '../pages/account/pages.ts';
import { homePages } from '../pages/home.ts';
import { operatorPages } from '../pages/operator/pages.ts';
import type { Pages } from './site.ts';

/** The pages of every part of the site, for buildServer. */
export function pagesOf(app: App): Pages[] {
  return [homePages(app), accountPages(app), operatorPages(app)];
}
