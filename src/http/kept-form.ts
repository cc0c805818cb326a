import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { fastifyCookie } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { cookieName, cookies, type Cookie } from './cookies.ts';

/** Form input that the service saves when a user sends the form after the session has ended. */
export interface KeptForm {
  /** The path of the page that contains the form, without the language. */
  readonly page: string;
  /** The path that the form is sent to, without the language. */
  readonly action: string;
  /** The fields in the order in which they were sent. A name may occur more than once. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** True when some fields were too long to save. */
  readonly isCut: boolean;
}

interface Sealed extends KeptForm {
  /** An identifier of the account that last used this browser; an empty text when there is none. */
  readonly owner: string;
  /** The time at which the saved input expires, in milliseconds since 1970. */
  readonly until: number;
}

const keptSeconds = 30 * 60;
/**
 * Maximum size of the cookie's value. Browsers accept 4,096 bytes, but the name and the attributes
 * of the cookie count too.
 */
const maxCookieBytes = 3_800;
const maxOpenedBytes = 200_000;
const cipher = { name: 'aes-256-gcm', nonceBytes: 12, tagBytes: 16 } as const;
const yearSeconds = 365 * 86_400;

/** Matches fields that are never saved: codes, tokens, and values that the page generates anew. */
const neverKept = /code|token|secret|password|proof|^key$|^t$/i;
/**
 * Matches pages whose forms are never saved: forms for signing in, and forms without any text to
 * type.
 */
const neverKeptAt = /^\/(masuk|keluar|tema|berhenti|akun\/keamanan)(\/|$)/;

/**
 * Saves the input of a form while the user signs in again. The input stays in the browser for half
 * an hour, in an encrypted cookie that only the service can read; the server stores nothing. Files
 * and codes are not saved. Nothing is sent automatically: the user sees the restored form and sends
 * it.
 */
export class KeptForms {
  readonly #key: Buffer;

  constructor(serviceKey: string) {
    this.#key = Buffer.from(hkdfSync('sha256', serviceKey, '', 'sambatan kept forms', 32));
  }

  /** Saves the input of a form in the browser. Returns true if there was anything to save. */
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

  /**
   * Returns the form input saved in this browser; undefined when there is none or when it belongs
   * to another account.
   */
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

  /** Deletes the saved form input from the browser. */
  forget(request: FastifyRequest, reply: FastifyReply): void {
    const name = nameOf(request, cookies.form);
    if (fastifyCookie.parse(request.headers.cookie ?? '')[name] === undefined) return;
    reply.clearCookie(name, attributes(request));
  }

  /**
   * Stores in the browser which account is signed in. If another user signs in there later, the
   * saved form input is not shown to that user.
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

  /**
   * Returns the encrypted form in a size that fits into a cookie. Leaves out the longest fields
   * until it fits.
   */
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
      // The cookie was not encrypted with this key.
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
