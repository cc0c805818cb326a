import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../../errors/errors.ts';
import { knownError } from '../../http/problem.ts';

/** What stands behind a link in a sentence, as browsers send it: signs, blanks, quotes, brackets. */
const signs =
  /(?:[.,;:!?)\]}>"'*_~]|%(?:20|09|0a|0d|2c|2e|21|22|27|28|29|3a|3b|3c|3e|3f|5b|5d|7b|7d|c2%a0|c2%bb|e2%80%(?:a6|9c|9d|98|99|8b)))+$/i;

/**
 * The address without the signs of a sentence behind its path, such as `/sambatan/ID).`; undefined
 * when there are none, or when the request is not for a page that can be looked at.
 */
function withoutSentenceSigns({ method, url }: FastifyRequest): string | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  const [path = '', query] = url.split(/\?(.*)/s);
  const clean = path.replace(signs, '');
  if (clean === path || clean === '' || clean.startsWith('//')) return undefined;
  return query === undefined || query === '' ? clean : `${clean}?${query}`;
}

/** Redirects a page that is not found to the address without signs; false where there are none. */
export function redirectToCleanAddress(
  error: DomainError,
  request: FastifyRequest,
  reply: FastifyReply,
): boolean {
  const clean = error.status === 404 ? withoutSentenceSigns(request) : undefined;
  if (clean === undefined) return false;
  void reply.redirect(clean, 302);
  return true;
}

/** An address of a page with an id that is none is an address where nothing is. */
export function pageError(thrown: unknown, request: FastifyRequest): DomainError {
  const { validationContext: context } = thrown as { validationContext?: string };
  return context === 'params' ? new DomainError('not_found', {}) : knownError(thrown, request);
}
