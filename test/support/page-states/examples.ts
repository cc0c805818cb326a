import { newId } from '../../../src/identity/ids.ts';
import { unsignedNotification } from '../inputs/gateway-refusals.ts';
import { moneyBodies } from '../inputs/money-refusals.ts';
import { campaignBody, fromNow, hourMs, joinBody } from '../builders/shop.ts';
import { homeAddress } from '../clients/sign-in.ts';
import { pdfOf } from '../builders/pdf.ts';

const base = '/api/sambatan';

interface Example {
  readonly method: string;
  readonly path: string;
  readonly body?: object | string;
  readonly headers?: Record<string, string>;
}

/** A request that is valid for a route, but whose ids do not exist. */
export function exampleRequest(route: string): Example {
  const [method = '', template = ''] = route.split(' ');
  const path = template
    .slice(base.length)
    .replace('{topic}', 'orders')
    .replace('{token}', 'a.b.c')
    .replace('{size}', '1')
    .replace('{level}', '0')
    .replaceAll(/\{[abcd]\}/g, '000')
    .replace(/inclusion$/, 'inclusion?index=0&size=1')
    .replace(/consistency$/, 'consistency?from=1&to=1')
    .replaceAll(/\{\w+\}/g, () => newId());
  const name = `${method} ${template.slice(base.length)}`;
  const file = files[name];
  if (file !== undefined) {
    return { method, path, body: file[1], headers: { 'content-type': file[0] } };
  }
  const body = bodies[name];
  return { method, path, ...(body === undefined ? {} : { body: body() }) };
}

/** A valid body for each route that accepts JSON. */
export const bodies: Readonly<Record<string, () => object>> = {
  'PATCH /me': () => ({ display_name: 'Sari' }),
  'POST /me/addresses': () => homeAddress,
  'PATCH /me/addresses/{id}': () => ({ label: 'Kantor' }),
  'POST /operators': () => ({ email: 'siapa@example.org' }),
  'POST /brands': () => ({ name: 'Melati' }),
  'PATCH /brands/{id}': () => ({ name: 'Melati' }),
  'PATCH /brands/{id}/members/{user_id}': () => ({ role: 'admin' }),
  'POST /brands/{id}/invitations': () => ({ email: 'tamu@contoh.id', role: 'admin' }),
  'POST /invitations/accept': () => ({ token: 'a'.repeat(43) }),
  'POST /products': () => ({ brand_id: newId(), name: 'Senja', base_price: 1 }),
  'PATCH /products/{id}': () => ({ name: 'Senja' }),
  'POST /campaigns': () => campaignBody(newId()),
  'PATCH /campaigns/{id}': () => ({ title: 'Senja lain' }),
  'POST /campaigns/{id}/extend': () => ({ deadline: fromNow(hourMs), reason: 'masih ramai' }),
  'POST /campaigns/{id}/cancel': () => ({ reason: 'bahan habis' }),
  'POST /campaigns/{id}/decision': () => ({ decision: 'continue' }),
  'POST /campaigns/{id}/join': () => joinBody({ user_id: newId() }),
  'POST /campaigns/{id}/waiting': () => joinBody({ user_id: newId() }),
  'PUT /notifications/settings/{topic}': () => ({ user_id: newId(), email: false }),
  'POST /notifications/read': () => ({ user_id: newId() }),
  'POST /notifications/{id}/read': () => ({ user_id: newId() }),
  'PUT /campaigns/{id}/reminder': () => ({ user_id: newId() }),
  'DELETE /campaigns/{id}/reminder': () => ({ user_id: newId() }),
  'POST /webhooks': () => ({ brand_id: newId(), url: 'https://receiver.example/hook' }),
  'PATCH /webhooks/{id}': () => ({ description: 'Toko' }),
  'PATCH /participations/{id}': () => ({ note: 'titip di satpam' }),
  'POST /participations/{id}/cancel': () => ({}),
  'POST /participations/{id}/confirm': () => ({}),
  ...moneyBodies,
  'POST /gateway/midtrans/notifications': () => unsignedNotification,
};

/** A file for each route that accepts a file instead of JSON. */
const files: Readonly<Record<string, [type: string, content: string]>> = {
  'POST /participations/{id}/proof': ['application/pdf', pdfOf()],
  'POST /participations/{id}/dispute/pictures': ['image/jpeg', 'JFIF'],
  'POST /receiving-accounts/{id}/statement': ['text/csv', 'date,description,amount'],
  'POST /receiving-accounts/{id}/statements': ['text/csv', 'date,description,amount'],
};
