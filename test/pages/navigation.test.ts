import { languages } from '../../src/i18n/messages.ts';
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { newId } from '../../src/identity/ids.ts';
import { pathIn } from '../../src/web/visit.ts';
import type { ClientResponse } from '../support/clients/client.ts';
import { startHttpService } from '../support/server/http-service.ts';
import { parsePage, type PageForm } from '../support/clients/page.ts';
import { SiteClient } from '../support/clients/sign-in.ts';
import { pageRoutes } from '../support/clients/site.ts';
import { createPageStates } from '../support/page-states/views.ts';
import type { PageState } from '../support/page-states/page-state.ts';

/*
 * Navigation between pages without a script. If the URL of a form is opened as a page, it must lead
 * to the page of the form. After a refused form, reload, the language link and the theme buttons
 * must lead to the right page. Covers every form in every state of every page, and every path of
 * the route table.
 */

// The invariants are not checked, because ten thousand participants are inserted directly.
const service = await startHttpService({ invariants: false });
after(service.close);

/** A form, with the page on which it was found. */
interface SeenForm {
  readonly view: string;
  readonly path: string;
  readonly who: SiteClient;
  readonly form: PageForm & { readonly action: string };
}

const seen: SeenForm[] = [];
const visitor = new SiteClient(service);
before(async () => {
  const views = Object.values(await createPageStates(service)).flatMap((states) =>
    Object.entries(states),
  );
  for (const [view, shown] of views) {
    for (const language of languages()) await lookAt(view, shown, language);
  }
});

async function lookAt(view: string, { path, who = visitor }: PageState, language: string) {
  const at = pathIn(language, path);
  const answer = await who.get(at);
  if (answer.status !== 200 || !answer.text.startsWith('<!doctype html>')) return;
  const page = parsePage(answer.text);
  // The URL of a sign-in page also has a parameter with the way back. The comparison ignores it.
  const said = (given = '') => (path.startsWith('/masuk') ? given.replace(/\?.*/, '') : given);
  assert.equal(said(page.page), said(at), view);
  const other = pathIn(language === 'id' ? 'en' : 'id', path);
  assert.equal(said(page.otherLanguage), said(other), view);
  assert.equal(said(page.themeBack), said(path), view);
  for (const form of page.forms.filter(({ method }) => method === 'post')) {
    assert.ok(form.action !== undefined, `${view}: a form does not say where it is sent to`);
    seen.push({ view, path: at, who, form: { ...form, action: form.action } });
  }
}

test('the path of every form redirects to the page that contains the form', async () => {
  assert.ok(seen.length > 100, `only ${seen.length} forms were seen`);
  const wrong = new Set<string>();
  for (const { view, path, who, form } of seen) {
    const page = path.replace(/[?#].*/, '');
    if (form.action === page) continue;
    const { status, headers } = await who.get(form.action);
    // A waiting-list entry is shown on the page of its campaign and, with all others, on the page
    // of orders.
    const other = /^(\/en)?\/antrean\//.test(form.action)
      ? page.replace(/\/sambatan\/.*/, '/ikutan')
      : page;
    if (status === 303 && headers.location === other) continue;
    // If a form is in a list and also on a separate page, its URL leads to the separate page.
    if (status === 303 && (await hasForm(who, headers.location!, form.action))) continue;
    wrong.add(`${view} on ${page}: ${form.action} → ${status} ${headers.location ?? ''}`);
  }
  assert.deepEqual([...wrong], []);
});

async function hasForm(who: SiteClient, page: string, action: string): Promise<boolean> {
  const { forms } = parsePage((await who.get(page)).text);
  return forms.some((one) => one.action === action);
}

test('every form path of the route table answers GET with a page', async () => {
  const forms = pageRoutes(service.routes).filter((route) => route.startsWith('POST '));
  assert.ok(forms.length > 60);
  const wrong: string[] = [];
  for (const route of forms) {
    for (const language of languages()) {
      const pattern = route.slice('POST '.length).replaceAll(/:\w+/g, () => newId());
      const { status, headers } = await visitor.get(pathIn(language, pattern));
      const leadsOn = status === 303 || status === 200 || (status === 404 && isPage(route));
      const stays = headers.location === undefined || isIn(language, headers.location);
      if (!leadsOn || !stays) wrong.push(`${language} ${route} → ${status} ${headers.location}`);
    }
  }
  assert.deepEqual(wrong, []);
});

const isPage = (route: string) => service.routes.includes(route.replace('POST', 'GET'));
const isIn = (language: string, path: string) =>
  /^\/en(\/|$|\?)/.test(path) === (language === 'en');

test('after a refused form, reloading and the links of the page lead to the page', async () => {
  let refused = 0;
  const wrong = new Set<string>();
  for (const { view, path, who, form } of seen) {
    const answer = await who.post(form.action, { ...form.fields, tidak_dikenal: '1' });
    if (answer.status < 400 || form.action.includes('/antrean/')) continue;
    refused++;
    const { headers } = await who.get(form.action);
    const isBelow = form.action.startsWith(`${path.replace(/\?.*/, '')}/`);
    const page = isBelow ? headers.location : undefined;
    for (const fault of faultsOf(answer, page ?? path))
      wrong.add(`${view}, ${form.action}: ${fault}`);
  }
  assert.deepEqual([...wrong], []);
  assert.ok(refused > 60, `only ${refused} forms were refused`);
});

function faultsOf(answer: ClientResponse, path: string): string[] {
  const page = parsePage(answer.text);
  const here = path.replace(/\?.*/, '');
  const isEnglish = isIn('en', path);
  const plain = isEnglish ? here.slice('/en'.length) || '/' : here;
  const without = (given: string | undefined) => given?.replace(/\?.*/, '');
  const faults: string[] = [];
  if (without(page.page) !== here) faults.push(`the page takes itself for ${page.page}`);
  const other = pathIn(isEnglish ? 'id' : 'en', plain);
  if (without(page.otherLanguage) !== other) faults.push(`language: ${page.otherLanguage}`);
  if (without(page.themeBack) !== plain) faults.push(`theme: ${page.themeBack}`);
  return faults;
}
