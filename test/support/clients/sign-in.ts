import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { capturedEmails } from '../../../src/mail/mailer.ts';
import { Client, type ClientResponse } from './client.ts';
import type { HttpService } from '../server/http-service.ts';

/** A postal address that both the API and the forms accept. */
export const homeAddress = {
  label: 'Rumah',
  recipient: 'Sari Contoh',
  phone: '081234567890',
  street: 'Jalan Kenanga 12',
  district: 'Coblong',
  city: 'Bandung',
  province: 'Jawa Barat',
  postal_code: '40132',
};

/** A client that keeps cookies and sends forms as browsers do, but renders nothing. */
export class SiteClient {
  readonly cookies = new Map<string, string>();
  readonly #client: Client;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(service: Pick<HttpService, 'url' | 'secrets'>, headers: Record<string, string> = {}) {
    const agent = new Agent();
    this.#client = new Client({ url: service.url, agent, secrets: service.secrets });
    this.#headers = headers;
  }

  /** Gets a page, such as `/akun`. */
  async get(path: string): Promise<ClientResponse> {
    return await this.#send('GET', path);
  }

  /** Sends a form of the site. */
  async post(path: string, fields: Record<string, string> = {}): Promise<ClientResponse> {
    return await this.#send('POST', path, new URLSearchParams(fields).toString());
  }

  /** The cookies in the form that `context.addCookies` of playwright accepts. */
  browserCookies(url: string): { name: string; value: string; url: string }[] {
    return [...this.cookies].map(([name, value]) => ({ name, value, url }));
  }

  async #send(method: string, path: string, body?: string): Promise<ClientResponse> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await this.#client.send({
      method,
      path: `/${path}`,
      body,
      headers: {
        'sec-fetch-site': 'same-origin',
        ...(cookie === '' ? {} : { cookie }),
        ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...this.#headers,
      },
    });
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return answer;
  }
}

/** A user who is signed in to the site. */
export interface SignedInClient extends SiteClient {
  readonly userId: string;
}

/** Signs a user in with the code from an e-mail, whether the account is new or not. */
export async function signIn(
  service: HttpService,
  email: string,
  headers: Record<string, string> = {},
): Promise<SignedInClient> {
  const client = new SiteClient(service, headers);
  const id = await requestCode(client, email);
  const { code } = await lastMail(service, email);
  const entered = await client.post('/masuk/kode', { id, code });
  assert.equal(entered.status, 303, entered.text);
  const { user_id: userId } = (await service.db.one(
    { name: 'test_account', text: 'select user_id from sambatan_auth.accounts where email = $1' },
    email.toLowerCase(),
  )) as { user_id: string };
  return Object.assign(client, { userId });
}

/**
 * A client that has entered the right code from the e-mail, and must still give a second factor.
 */
export async function openMfaChallenge(
  service: HttpService,
  email: string,
  back = '/akun',
): Promise<SiteClient> {
  const client = new SiteClient(service);
  const id = await requestCode(client, email, back);
  const { code } = await lastMail(service, email);
  const { status, headers } = await client.post('/masuk/kode', { id, code, back });
  const next = `/masuk/aplikasi?${new URLSearchParams({ back })}`;
  assert.deepEqual([status, headers.location], [303, next]);
  return client;
}

/** Requests an e-mail with a code. Returns the id that is sent together with the code. */
export async function requestCode(client: SiteClient, email: string, back = '/'): Promise<string> {
  const asked = await client.post('/masuk', { email, back });
  assert.equal(asked.status, 303, asked.text);
  return new URL(asked.headers.location!, 'http://site').searchParams.get('id')!;
}

/** The code in the last e-mail to a person, and the path of the link in it. */
export async function lastMail(service: HttpService, email: string) {
  const mails = await capturedEmails(service.app.mailer.outbox!, 1_000);
  const mail = mails.find(({ to }) => to === email.toLowerCase());
  assert.ok(mail !== undefined, `there is no mail to ${email}`);
  const link = new URL(/https?:\/\/\S+/.exec(mail.text)![0]);
  return { ...mail, code: /\b\d{6}\b/.exec(mail.text)![0], link: `${link.pathname}${link.search}` };
}
