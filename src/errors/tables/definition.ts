import type { Wording } from '../../i18n/messages.ts';

/**
 * The definition of one error of the service. `P` is the type of the parameters in each occurrence.
 */
export interface ErrorDefinition<P> {
  readonly status: number;
  /** A short title, equal in every occurrence (RFC 9457, `title`). */
  readonly title: Wording;
  /** Describes one occurrence, and what the reader can do next (RFC 9457, `detail`). */
  readonly detail: (params: P) => Wording;
  /** Number of seconds after which a retry is useful. It is sent as the header Retry-After. */
  readonly retryAfterSeconds?: number;
}

/** The error definitions of one area, by code. */
export type ErrorTable = Readonly<Record<string, ErrorDefinition<never>>>;

type NoParams = Readonly<Record<never, never>>;

/** The number of seconds in Retry-After when the service or a campaign is busy. */
export const busySeconds = 1;
/** The number of seconds in Retry-After when a dependency of the service is down. */
export const awaySeconds = 2;

/** Defines an error whose text depends on parameters. */
export function define<P extends object>(
  status: number,
  title: Wording,
  detail: (params: P) => Wording,
  retryAfterSeconds?: number,
): ErrorDefinition<P> {
  return {
    status,
    title,
    detail,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
}

/** Defines an error without parameters. */
export function fixed(
  status: number,
  title: Wording,
  detail: Wording,
  retryAfterSeconds?: number,
): ErrorDefinition<NoParams> {
  return define<NoParams>(status, title, () => detail, retryAfterSeconds);
}
