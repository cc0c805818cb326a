import { randomBytes } from 'node:crypto';
import { fastifyCookie } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { cookieName, cookies } from './cookies.ts';

/** Returns the session token from a cookie header; undefined if there is none. */
export function sessionTokenOf(cookie: string | undefined, origin: string): string | undefined {
  return cookie === undefined ? undefined : fastifyCookie.parse(cookie)[nameAt(origin)];
}

/** Sets the session cookie. It expires after this many hours. */
export function setSession(
  request: FastifyRequest,
  reply: FastifyReply,
  token: string,
  hours: number,
): void {
  const { origin } = request.visit;
  reply.setCookie(nameAt(origin), token, { ...attributes(origin), maxAge: hours * 3_600 });
}

/** Deletes the session cookie from the browser. The session itself does not end. */
export function clearSession(request: FastifyRequest, reply: FastifyReply): void {
  const { origin } = request.visit;
  reply.clearCookie(nameAt(origin), attributes(origin));
}

/**
 * Returns the id by which the service recognizes a browser; undefined when the browser has none.
 */
export function browserIdOf({ headers, visit }: FastifyRequest): string | undefined {
  const given = fastifyCookie.parse(headers.cookie ?? '')[browserNameAt(visit.origin)];
  return given !== undefined && /^[\w-]{22}$/.test(given) ? given : undefined;
}

/**
 * Returns the id of the browser. A browser without an id gets a new one, which is valid for a year.
 */
export function giveBrowserId(request: FastifyRequest, reply: FastifyReply): string {
  const before = browserIdOf(request);
  if (before !== undefined) return before;
  const { origin } = request.visit;
  const id = randomBytes(16).toString('base64url');
  const yearSeconds = 365 * 86_400;
  reply.setCookie(browserNameAt(origin), id, { ...attributes(origin), maxAge: yearSeconds });
  return id;
}

const isSecure = (origin: string) => origin.startsWith('https:');
const nameAt = (origin: string) => cookieName(cookies.session, isSecure(origin));
const browserNameAt = (origin: string) => cookieName(cookies.browser, isSecure(origin));

function attributes(origin: string) {
  return { path: '/', httpOnly: true, sameSite: 'lax', secure: isSecure(origin) } as const;
}
