import type { FastifyReply, FastifyRequest } from 'fastify';
import { DomainError } from '../../errors/errors.ts';
import { knownError } from '../../http/problem.ts';

/**
 * Matches characters that follow a link in a sentence and become part of the requested URL by
 * mistake: punctuation, spaces, quotes and brackets.
 */
const signs =
  /(?:[.,;:!?)\]}>"'*_~]|%(?:20|09|0a|0d|2c|2e|21|22|27|28|29|3a|3b|3c|3e|3f|5b|5d|7b|7d|c2%a0|c2%bb|e2%80%(?:a6|9c|9d|98|99|8b)))+$/i;

/**
 * Returns the requested URL without the punctuation of the sentence that contained the link:
 * `/sambatan/ID).` becomes `/sambatan/ID`. Returns undefined when there is no such punctuation, or
 * when the request is not a GET of a page.
 */
function withoutSentenceSigns({ method, url }: FastifyRequest): string | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  const [path = '', query] = url.split(/\?(.*)/s);
  const clean = path.replace(signs, '');
  if (clean === path || clean === '' || clean.startsWith('//')) return undefined;
  return query === undefined || query === '' ? clean : `${clean}?${query}`;
}

/**
 * Redirects to the URL without trailing punctuation, if a page was not found. Returns false if the
 * URL has no such punctuation.
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

/** Converts the error for an invalid id in the URL of a page to a not-found error. */
export function pageError(thrown: unknown, request: FastifyRequest): DomainError {
  const { validationContext: context } = thrown as { validationContext?: string };
  return context === 'params' ? new DomainError('not_found', {}) : knownError(thrown, request);
}
