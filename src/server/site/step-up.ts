import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  reauthenticate,
  sendReauthenticationCode,
  reauthenticationMethod,
  type Holder,
} from '../../accounts/sign-in/reauthentication.ts';
import type { SignInDeps } from '../../accounts/sign-in/sign-in.ts';
import { DomainError } from '../../errors/errors.ts';
import type { Actor } from '../../identity/actor.ts';
import {
  reauthenticationFields,
  reauthenticationPage,
  type Asked,
} from '../../pages/account/reauthenticate.ts';
import type { PageProps } from '../../web/layout.ts';
import type { PageContext } from '../../web/visit.ts';
import { deviceOf } from '../../http/authentication.ts';
import { fieldsIn } from '../../http/forms.ts';
import { setSession } from '../../http/session-cookie.ts';

/** Sends a page. The site passes in its function, so that this file does not depend on it. */
export type SendPage = (
  request: FastifyRequest,
  reply: FastifyReply,
  page: PageProps,
  status: number,
) => FastifyReply;

const own: ReadonlySet<string> = new Set(Object.values(reauthenticationFields));

/**
 * Registers the handling of re-authentication forms. Such a form contains all fields of the
 * original form and an additional code. The hook removes the code from the fields and checks it. If
 * the code is valid, the original form is processed as if it had just arrived.
 */
export function registerReauthentication(
  server: FastifyInstance,
  parts: SignInDeps,
  send: SendPage,
): void {
  server.addHook('preHandler', async (request, reply) => {
    const given = splitFields(request.body);
    if (given === undefined) return;
    request.body = given.rest;
    const holder = holderOf(request);
    const code =
      given.proof[reauthenticationFields.code] ?? given.proof[reauthenticationFields.recovery];
    if (holder === undefined || code === undefined) return;
    const proofId = given.proof[reauthenticationFields.id] ?? '';
    try {
      const { token, hours, byFactor } = await reauthenticate(parts, holder, { proofId, code });
      setSession(request, reply, token, hours);
      request.visit = { ...request.visit, actor: provedActor(request.visit.actor, byFactor) };
    } catch (error) {
      if (!(error instanceof DomainError) || error.status >= 500 || error.status === 401)
        throw error;
      await askAgain(parts, request, reply, send, { holder, proofId, refusal: error });
      return reply;
    }
  });
}

/**
 * Answers a sensitive form with the re-authentication page. If the user confirms by an e-mailed
 * code, sends that code. Returns undefined for a caller with a token, who must get a newer token
 * instead.
 */
export async function askForReauthentication(
  parts: SignInDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  send: SendPage,
): Promise<FastifyReply | undefined> {
  const holder = holderOf(request);
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded');
  // A sensitive file is requested by a link, so there is no form to repeat. After
  // re-authentication, the form of that page requests the file.
  const isFile = request.method === 'GET' && request.routeOptions.config.isSensitive === true;
  if (holder === undefined || (isForm !== true && !isFile)) return undefined;
  return await askAgain(parts, request, reply, send, { holder });
}

async function askAgain(
  parts: SignInDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  send: SendPage,
  asked: {
    readonly holder: Holder;
    readonly proofId?: string;
    readonly refusal?: DomainError | undefined;
  },
): Promise<FastifyReply> {
  const { holder } = asked;
  let { proofId, refusal } = asked;
  const way = await reauthenticationMethod(parts.db, holder);
  if (way === 'code' && proofId === undefined && holder.email !== null) {
    try {
      proofId = await sendReauthenticationCode(parts, { ...holder, email: holder.email });
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      refusal = error;
    }
  }
  // The challenge has ended and accepts no further code.
  if (refusal?.code === 'sign_in_ended') proofId = undefined;
  const wait = refusal?.retryAfterSeconds;
  if (wait !== undefined) reply.header('retry-after', String(wait));
  const fields = fieldsIn(request.body);
  const shown: Asked = { way, fields, proofId, refusal };
  return send(request, reply, reauthenticationPage(request.visit, shown), refusal?.status ?? 403);
}

/** Returns the user of a browser session; undefined for any other caller. */
function holderOf(request: FastifyRequest): Holder | undefined {
  const { person, sessionId, language }: PageContext = request.visit;
  if (person === undefined || sessionId === undefined) return undefined;
  return {
    userId: person.userId,
    sessionId,
    email: person.email,
    language,
    device: deviceOf(request),
  };
}

/** Returns the caller, changed to one who has just re-authenticated. */
function provedActor(actor: Actor, byFactor: boolean): Actor {
  if (actor.kind !== 'user' && actor.kind !== 'operator') return actor;
  if (byFactor && actor.kind === 'user' && actor.lacksFactor === true) {
    const { userId, roles, address } = actor;
    return { kind: 'operator', userId, roles, address, secondFactor: true };
  }
  const secondFactor = byFactor || actor.secondFactor === true;
  return { ...actor, secondFactor, proofIsOld: false };
}

/**
 * Separates the re-authentication fields from the other fields of a form. Returns undefined for a
 * form without re-authentication fields.
 */
function splitFields(body: unknown) {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined;
  const entries = Object.entries(body);
  if (!entries.some(([name]) => own.has(name))) return undefined;
  const proof: Record<string, string | undefined> = {};
  for (const [name, value] of entries) {
    if (own.has(name) && typeof value === 'string' && value.trim() !== '') proof[name] = value;
  }
  return { proof, rest: Object.fromEntries(entries.filter(([name]) => !own.has(name))) };
}
