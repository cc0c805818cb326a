import { inflateRawSync } from 'node:zlib';
import type { Client } from './client.ts';

/** The site's response to the request for a page or a file. */
export interface SiteResponse {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly bytes: Buffer;
  /** The redirect target after an accepted form; '' if there is no redirect. */
  readonly location: string;
}

/** Requests pages and sends forms like a browser without scripts. A token signs the user in. */
export class SiteForms {
  readonly #url: string;
  readonly #client: Pick<Client, 'token'>;

  constructor(url: string, client: Pick<Client, 'token'>) {
    this.#url = url;
    this.#client = client;
  }

  async get(path: string): Promise<SiteResponse> {
    return await this.#fetch(path, {});
  }

  /** Sends a form without files. */
  async post(path: string, fields: Readonly<Record<string, string>> = {}): Promise<SiteResponse> {
    return await this.#fetch(path, { method: 'POST', body: new URLSearchParams(fields) });
  }

  /** Sends a form with a picture. */
  async upload(
    path: string,
    fields: Readonly<Record<string, string>>,
    picture?: { readonly bytes: Uint8Array; readonly name?: string; readonly type?: string },
  ): Promise<SiteResponse> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.set(name, value);
    if (picture !== undefined) {
      const { bytes, name = 'foto.jpg', type = 'image/jpeg' } = picture;
      form.set('picture', new Blob([new Uint8Array(bytes)], { type }), name);
    }
    return await this.#fetch(path, { method: 'POST', body: form });
  }

  async #fetch(path: string, init: RequestInit): Promise<SiteResponse> {
    const { token } = this.#client;
    const answer = await fetch(this.#url + path, {
      ...init,
      redirect: 'manual',
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    return {
      status: answer.status,
      headers: answer.headers,
      text: bytes.toString(),
      bytes,
      location: answer.headers.get('location') ?? '',
    };
  }
}

/** The files in a zip archive, by their names. A spreadsheet is a zip archive too. */
export function unzip(archive: Buffer): Map<string, string> {
  const files = new Map<string, string>();
  let at = archive.indexOf(Buffer.from('PK\u0001\u0002'));
  while (at >= 0 && archive.readUInt32LE(at) === 0x02014b50) {
    const [method, size] = [archive.readUInt16LE(at + 10), archive.readUInt32LE(at + 20)];
    const [name, extra, comment] = [28, 30, 32].map((field) => archive.readUInt16LE(at + field));
    const local = archive.readUInt32LE(at + 42);
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    const packed = archive.subarray(start, start + size);
    const path = archive.subarray(at + 46, at + 46 + name!).toString();
    files.set(path, (method === 8 ? inflateRawSync(packed) : packed).toString());
    at += 46 + name! + extra! + comment!;
  }
  return files;
}

/**
 * The Indonesian routes of all pages and forms in the live route table. Routes of the API, files
 * for programs, and files that never change are left out.
 */
export function pageRoutes(routes: readonly string[]): string[] {
  return routes.filter((route) =>
    /^(GET|POST|PUT|PATCH|DELETE) \/(?!api\/|api$|assets\/|gambar\/|en\/|en$|livez$|readyz$|metrics$|\.well-known\/|[\w./-]+\.(?:ico|png|txt|xml|webmanifest)$)/.test(
      route,
    ),
  );
}
