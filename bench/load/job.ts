/** The requests that the load generator sends: joins or reads. */
export type JoinMix =
  | {
      readonly kind: 'joins';
      /** The campaigns to join, one after the other. */
      readonly campaignIds: readonly string[];
      /** The sender: a trusted backend that names the user, or each user with a separate token. */
      readonly as: { readonly serviceKey: string } | { readonly tokenSecret: string };
      /** Whether each request has an Idempotency-Key. */
      readonly keys?: boolean;
      /** Whether all requests are identical, as `ab -p payload.json` sends them. */
      readonly same?: boolean;
    }
  | { readonly kind: 'reads'; readonly paths: readonly string[] };

/** The description of one load for the load generator. */
export interface Job {
  /** Origin of the server. */
  readonly url: string;
  readonly connections: number;
  readonly mix: JoinMix;
  /** Either the duration of the warm-up and of the measured load, or a number of requests. */
  readonly extent:
    { readonly warmSeconds: number; readonly seconds: number } | { readonly total: number };
  /**
   * The expected requests per second: so many different requests are prepared. If the real rate is
   * higher, requests are repeated.
   */
  readonly expectedRate: number;
  /** The processes whose CPU time is measured. */
  readonly processes: Processes;
}

export interface Processes {
  readonly server: number;
  /** The main process of PostgreSQL; its children are included. */
  readonly postgres: number | undefined;
}

/** Average number of CPU cores that each process used. 1: one core all the time. */
export interface Usage {
  readonly server: number | undefined;
  readonly postgres: number | undefined;
  readonly generator: number;
  /** All other processes on this machine; should be almost 0. */
  readonly others: number | undefined;
}

export interface LoadResult {
  /** Answers per second during the measured time. */
  readonly rate: number;
  /** Milliseconds from request to answer, during the measured time. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly longest: number };
  /** Number of answers by status, from the first request to the last answer. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Number of requests that were sent again because all prepared requests had been sent. */
  readonly repeated: number;
  /** Time of the last answer in milliseconds since the epoch. */
  readonly lastAnswerAt: number;
  /** Requests without an answer. */
  readonly errors: number;
  readonly usage: Usage;
}
