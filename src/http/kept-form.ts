import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { fastifyCookie } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { cookieName, cookies, type Cookie } from './cookies.ts';

/** What somebody had typed into a form when it turned out that they are signed out. */
export interface KeptForm {
  /** The page on which the form stands, without the language. */
  readonly page: string;
  /** Where the form is sent to, without the language. */
  readonly action: string;
  /** Its fields in order; a name may come twice. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** Whether something was too long to be kept. */
  readonly isCut: boolean;
}

interface Sealed extends KeptForm {
  /** The mark of the account that used this browser last; '' when there is none. */
  readonly owner: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

const keptSeconds = 30 * 60;
/** Browsers take cookies of 4,096 bytes with their name and attributes. */
const maxCookieBytes = 3_800;
const maxOpenedBytes = 200_000;
const cipher = { name: 'aes-256-gcm', nonceBytes: 12, tagBytes: 16 } as const;
const yearSeconds = 365 * 86_400;

/** What is never kept: codes, tokens, and what a form is made with anew. */
const neverKept = /code|token|secret|password|proof|^key$|^t$/i;
/** Forms of which nothing is kept: they are about signing in, or leave nothing to type again. */
const neverKeptAt = /^\/(masuk|keluar|tema|berhenti|akun\/keamanan)(\/|$)/;

/**
 * Keeps what was typed while somebody signs in again. It stays with the browser, in a cookie that
 * only the service can read or make, for half an hour; the service stores nothing. Files and codes
 * are not kept, and nothing is sent by itself: the person sees the form and sends it.
 */
export class KeptForms {
  readonly #key: Buffer;

  constructor(serviceKey: string) {
    this.#key = Buffer.from(hkdfSync('sha256', serviceKey, '', 'sambatan kept forms', 32));
  }

  /** Keeps a form in the browser. Returns whether there was anything to keep. */
  keep(
    request: FastifyRequest,
    reply: FastifyReply,
    form: Pick<KeptForm, 'page' | 'action' | 'fields'>,
  ): boolean {
    if (neverKeptAt.test(form.page)) return false;
    const fields = form.fields.filter(
      ([name, value]) => !neverKept.test(name) && value.trim() !== '',
    );
    if (fields.length === 0) return false;
    const sealed = this.#fitting(request, { ...form, fields });
    if (sealed === undefined) return false;
    reply.setCookie(nameOf(request, cookies.form), sealed, {
      ...attributes(request),
      maxAge: keptSeconds,
    });
    return true;
  }

  /** The form that this browser keeps; undefined when there is none, or it is somebody else's. */
  of(request: FastifyRequest): KeptForm | undefined {
    const sent = fastifyCookie.parse(request.headers.cookie ?? '');
    const sealed = sent[nameOf(request, cookies.form)];
    const kept = sealed === undefined ? undefined : this.#open(sealed);
    if (kept === undefined || kept.until < Date.now()) return undefined;
    const { person } = request.visit;
    if (person !== undefined && kept.owner !== '' && kept.owner !== this.#mark(person.userId)) {
      return undefined;
    }
    return kept;
  }

  /** Takes the form from the browser, where there is one. */
  forget(request: FastifyRequest, reply: FastifyReply): void {
    const name = nameOf(request, cookies.form);
    if (fastifyCookie.parse(request.headers.cookie ?? '')[name] === undefined) return;
    reply.clearCookie(name, attributes(request));
  }

  /**
   * Marks the browser as used by whoever is signed in, so that what they type is not shown to
   * somebody else who signs in there after them.
   */
  markOwner(request: FastifyRequest, reply: FastifyReply): void {
    const { person, sessionId } = request.visit;
    if (person === undefined || sessionId === undefined) return;
    const mark = this.#mark(person.userId);
    if (ownerOf(request) === mark) return;
    reply.setCookie(nameOf(request, cookies.account), mark, {
      ...attributes(request),
      maxAge: yearSeconds,
    });
  }

  #mark(userId: string): string {
    return createHmac('sha256', this.#key).update(userId).digest('base64url').slice(0, 16);
  }

  /** The form as it fits into a cookie: the longest fields are left out until it does. */
  #fitting(
    request: FastifyRequest,
    form: Pick<KeptForm, 'page' | 'action' | 'fields'>,
  ): string | undefined {
    const { page, action } = form;
    let fields = [...form.fields];
    while (fields.length > 0) {
      const isCut = fields.length < form.fields.length;
      const until = Date.now() + keptSeconds * 1_000;
      const sealed = this.#seal({ page, action, fields, isCut, owner: ownerOf(request), until });
      if (sealed.length <= maxCookieBytes) return sealed;
      const longest = Math.max(...fields.map(([, value]) => value.length));
      fields = fields.filter(([, value]) => value.length < longest);
    }
    return undefined;
  }

  #seal(form: Sealed): string {
    const nonce = randomBytes(cipher.nonceBytes);
    const sealing = createCipheriv(cipher.name, this.#key, nonce);
    const text = deflateRawSync(JSON.stringify(form));
    const sealed = Buffer.concat([sealing.update(text), sealing.final()]);
    return Buffer.concat([nonce, sealing.getAuthTag(), sealed]).toString('base64url');
  }

  #open(text: string): Sealed | undefined {
    const bytes = Buffer.from(text, 'base64url');
    const { nonceBytes, tagBytes } = cipher;
    try {
      const opening = createDecipheriv(cipher.name, this.#key, bytes.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      });
      opening.setAuthTag(bytes.subarray(nonceBytes, nonceBytes + tagBytes));
      const sealed = bytes.subarray(nonceBytes + tagBytes);
      const packed = Buffer.concat([opening.update(sealed), opening.final()]);
      const json = inflateRawSync(packed, { maxOutputLength: maxOpenedBytes }).toString();
      return JSON.parse(json) as Sealed;
    } catch {
      // Not ours, or of another key.
      return undefined;
    }
  }
}

function ownerOf(request: FastifyRequest): string {
  const mark =
    fastifyCookie.parse(request.headers.cookie ?? '')[nameOf(request, cookies.account)] ?? '';
  return /^[\w-]{16}$/.test(mark) ? mark : '';
}

const isSecure = (request: FastifyRequest) => request.visit.origin.startsWith('https:');
const nameOf = (request: FastifyRequest, cookie: Cookie) => cookieName(cookie, isSecure(request));

function attributes(request: FastifyRequest) {
  return { path: '/', httpOnly: true, sameSite: 'lax', secure: isSecure(request) } as const;
}
