import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../../errors/errors.ts';
import { knownError } from '../../http/problem.ts';

/**
 * Characters after a link in a sentence, as browsers send them: punctuation, spaces, quotes,
 * brackets.
 */
const signs =
  /(?:[.,;:!?)\]}>"'*_~]|%(?:20|09|0a|0d|2c|2e|21|22|27|28|29|3a|3b|3c|3e|3f|5b|5d|7b|7d|c2%a0|c2%bb|e2%80%(?:a6|9c|9d|98|99|8b)))+$/i;

/**
 * Returns the URL without trailing punctuation of a sentence, such as `/sambatan/ID).`; undefined
 * when there is none or when the request is not a GET of a page.
 */
function withoutSentenceSigns({ method, url }: FastifyRequest): string | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  const [path = '', query] = url.split(/\?(.*)/s);
  const clean = path.replace(signs, '');
  if (clean === path || clean === '' || clean.startsWith('//')) return undefined;
  return query === undefined || query === '' ? clean : `${clean}?${query}`;
}

/**
 * Redirects a page that is not found to its URL without punctuation; returns false where there is
 * none.
 */
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

/** Maps an invalid id in a page's URL to a not-found error. */
export function pageError(thrown: unknown, request: FastifyRequest): DomainError {
  const { validationContext: context } = thrown as { validationContext?: string };
  return context === 'params' ? new DomainError('not_found', {}) : knownError(thrown, request);
}
