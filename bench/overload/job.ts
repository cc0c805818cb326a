/** One kind of request of a load. Its share of all requests is proportional to `weight`. */
export interface Kind {
  readonly name: string;
  readonly weight: number;
  /** The request line and the headers that are the same for every user. */
  readonly head: string;
  /** The text of the body before and after a new id; undefined: no body. */
  readonly body?: readonly [before: string, after: string];
  /**
   * Number of signed-in users who send this kind, one after the other, each with the cookie of
   * `sessionToken`. Undefined: the requests have no cookie.
   */
  readonly people?: number;
  /** The status of a successful response. */
  readonly good: number;
}

/** The session token of one of many users, by number. */
export function sessionToken(person: number): string {
  return String(person).padStart(43, 's');
}

/** The description of one load. */
export interface Job {
  readonly port: number;
  readonly kinds: readonly Kind[];
  readonly seconds: number;
  /**
   * Number of seconds before the measured ones, in which the clients open their connections. Their
   * answers count, but not for the goodput.
   */
  readonly rampSeconds: number;
  /**
   * Closed loop: so many connections, each of which sends a request when the previous one is
   * answered. Open loop: so many requests per second, whether or not earlier ones are answered, from
   * clients that each have one connection.
   */
  readonly load:
    { readonly connections: number } | { readonly rate: number; readonly mostConnections: number };
  /** The share of the clients that send nothing before `Retry-After` has passed. */
  readonly obedient: number;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoadResult {
  /** Number of requests that were sent. */
  readonly sent: number;
  /** Number of requests that were due while all clients waited for an answer or for Retry-After. */
  readonly unsent: number;
  /** Number of responses by kind, status and error code: `join 201`, `join 503 overloaded`. */
  readonly answers: Readonly<Record<string, number>>;
  /** Successful responses per second, after the clients have opened their connections. */
  readonly goodput: number;
  readonly good: Latency;
  /** Time until a rejection, for clients that have not ignored `Retry-After` before. */
  readonly firstShed: Latency;
  /** Time until any rejection. */
  readonly shed: Latency;
  /** The bodies' new ids of the requests that were answered “not stored”. */
  readonly rejectedIds: readonly string[];
  /** Number of 503 responses without Retry-After. */
  readonly withoutRetryAfter: number;
  /** How often data arrived that was not part of an expected response. */
  readonly stray: number;
  /** Number of requests without a response. */
  readonly unanswered: number;
  /**
   * For each tenth of a second: the number of successful responses, the number of refused requests,
   * and the maximum wait for a successful response in milliseconds.
   */
  readonly course: readonly {
    readonly good: number;
    readonly sheds: number;
    readonly longest: number;
  }[];
  /** CPU cores used by the generator. If this is near 1, the generator limits the results. */
  readonly ownCores: number;
}
