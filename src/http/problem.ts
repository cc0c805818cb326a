import { textOf } from '../i18n/messages.ts';
import type { Language } from '../i18n/language.ts';
import { STATUS_CODES } from 'node:http';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { asDomainError } from '../operation/run.ts';
import { DomainError } from '../errors/errors.ts';
import { maxJsonBytes } from './body-limits.ts';
import { languageOf } from './accept-language.ts';
import { fieldErrors } from './validation.ts';

/** The media type of problem documents. */
export const mediaType = 'application/problem+json';

/**
 * The body of an error response (RFC 9457), with the additional fields `code`, `params` and
 * `errors`.
 */
export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The request id. Users give it to the support team, who find the log lines by it. */
  readonly instance: string;
  readonly code: string;
  readonly params?: object;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}

/** Returns the problem document of an error in the given language. */
export function problemDocument(
  error: DomainError,
  language: Language,
  requestId: string,
): ProblemDocument {
  const errors = error.fields.map(({ field, message }) => ({
    field,
    message: textOf(language, message),
  }));
  return {
    type: `urn:sambatan:problem:${error.code}`,
    ...error.apiText(language),
    status: error.status,
    instance: requestId,
    code: error.code,
    ...(Object.keys(error.params).length > 0 ? { params: error.params } : {}),
    ...(errors.length > 0 ? { errors } : {}),
  };
}

/** Sends an error as a problem document, in the language of the request. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  error: DomainError,
): FastifyReply {
  const document = problemDocument(
    error,
    languageOf(request.headers['accept-language']),
    request.id,
  );
  const { retryAfterSeconds } = error;
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  if (error.status === 401) reply.header('www-authenticate', 'Bearer realm="sambatan"');
  return (
    reply
      .code(error.status)
      // An error that occurs before routing skips the hook that sets this header.
      .header('x-request-id', request.id)
      .header('vary', 'Accept-Language')
      .header('cache-control', 'no-store')
      .type(mediaType)
      .serializer((body: unknown) => JSON.stringify(body))
      .send(document)
  );
}

/**
 * Converts every thrown error to a response. An unexpected error becomes a 500 response that shows
 * only the request id; its details are only in the log.
 */
export function handleError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  sendProblem(request, reply, knownError(error, request));
}

/**
 * Returns the error of the error table that corresponds to any thrown error. Logs the original
 * error.
 */
export function knownError(error: unknown, request: FastifyRequest): DomainError {
  const known = domainErrorOf(error, request);
  if (known && known.status < 500) request.log.debug({ code: known.code }, 'request refused');
  else if (known) request.log.warn({ code: known.code, err: error }, 'request not served');
  else request.log.error({ err: error }, 'request failed');
  return known ?? new DomainError('internal_error', {});
}

/**
 * Returns a complete HTTP/1.1 response as text, to write to the socket when a request could not be
 * parsed: it was malformed, its headers were too large, or it was too slow.
 */
export function rawProblem(code: 'malformed_request' | 'headers_too_large' | 'request_timeout') {
  const error = new DomainError(code, {});
  const body = JSON.stringify(problemDocument(error, languageOf(undefined), 'none'));
  return [
    `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
    `Content-Type: ${mediaType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');
}

function domainErrorOf(error: unknown, request: FastifyRequest): DomainError | undefined {
  const { method, routeOptions } = request;
  if (error instanceof DomainError) return error;
  const framework = ofFramework(error, routeOptions.bodyLimit ?? maxJsonBytes);
  if (framework) return framework;
  const translated = asDomainError(error);
  if (!(translated instanceof DomainError)) return undefined;
  // The outcome of an interrupted read is never unknown, because a read changes nothing.
  const isRead = method === 'GET' || method === 'HEAD';
  return isRead && translated.code === 'outcome_unknown'
    ? new DomainError('database_unavailable', {})
    : translated;
}

/**
 * Converts errors that Fastify throws itself. They have a code, a status, and the validation errors
 * of the schema.
 */
function ofFramework(error: unknown, maxBytes: number): DomainError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { validation, statusCode, code } = error as FastifyError;
  if (validation)
    return new DomainError('validation_failed', {}, fieldErrors(validation, 'developer'));
  if (code === 'FST_ERR_MAX_PARAM_LENGTH') return new DomainError('not_found', {});
  switch (statusCode) {
    case 413:
      return new DomainError('payload_too_large', { maximum_bytes: maxBytes });
    case 415:
      return new DomainError('unsupported_media_type', {});
    case 400:
      return new DomainError('malformed_request', {});
    default:
      return undefined;
  }
}
