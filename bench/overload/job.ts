/** One kind of request of a load; `weight` of all requests are of this kind. */
export interface Kind {
  readonly name: string;
  readonly weight: number;
  /** The bytes of the request before and after the id of a new user. */
  readonly head: string;
  /** The body before and after the id of its user; undefined: no body. */
  readonly body?: readonly [before: string, after: string];
  /**
   * Number of signed-in users who send it in rotation, with the cookies `sessionToken` from 0 on.
   */
  readonly people?: number;
  /** The status of a successful response. */
  readonly good: number;
}

/** The headers of the browser of one of many users. */
export function sessionToken(person: number): string {
  return String(person).padStart(43, 's');
}

/** One load with an open or a closed loop. */
export interface Job {
  readonly port: number;
  readonly kinds: readonly Kind[];
  readonly seconds: number;
  /**
   * Closed: this many at once, each sends when the previous one was answered. Open: this many per
   * second.
   */
  readonly load:
    { readonly connections: number } | { readonly rate: number; readonly mostConnections: number };
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoadResult {
  /** Sent requests; requests without a connection were not sent. */
  readonly sent: number;
  readonly unsent: number;
  /** Responses by kind, status and code of a 503: `join 201`, `join 503 overloaded`. */
  readonly answers: Readonly<Record<string, number>>;
  /** Successful responses per second during the load. */
  readonly goodput: number;
  readonly good: Latency;
  readonly shed: Latency;
  /** For requests after the first two seconds, when all connections are open. */
  readonly settledShed: Latency;
  /** 503 responses without Retry-After. */
  readonly rude: number;
  /** Unexpected pieces of responses. */
  readonly stray: number;
  /** Requests whose connection ended without a response. */
  readonly unanswered: number;
  /**
   * For each tenth of a second: successful responses, shed ones, and the maximum wait of a
   * successful one.
   */
  readonly course: readonly {
    readonly good: number;
    readonly sheds: number;
    readonly longest: number;
  }[];
  /** CPU cores used by the generator; near 1 it measures itself. */
  readonly ownCores: number;
}
