/** The instructions for the load generator. */
export type JoinMix =
  | {
      readonly kind: 'joins';
      /** Each request joins one of these. */
      readonly campaignIds: readonly string[];
      /** The sender: a trusted backend for its users, or each user with their own token. */
      readonly as: { readonly serviceKey: string } | { readonly tokenSecret: string };
      /** Whether each request has an Idempotency-Key. */
      readonly keys?: boolean;
      /** Whether all requests are identical, as `ab -p payload.json` sends them. */
      readonly same?: boolean;
    }
  | { readonly kind: 'reads'; readonly paths: readonly string[] };

/** One load, from the first request to the last answer. */
export interface Job {
  /** Origin of the server. */
  readonly url: string;
  readonly connections: number;
  readonly mix: JoinMix;
  /** Duration of the warm-up and of the measured load; or a number of requests, all measured. */
  readonly extent:
    { readonly warmSeconds: number; readonly seconds: number } | { readonly total: number };
  /** Requests per second to prepare for; above that, users repeat. */
  readonly expectedRate: number;
  /** The processes whose CPU time is measured. */
  readonly processes: Processes;
}

export interface Processes {
  readonly server: number;
  /** The main process of PostgreSQL; its children are included. */
  readonly postgres: number | undefined;
}

/** Average number of used CPU cores: 1 is one core all the time. Undefined if unknown. */
export interface Usage {
  readonly server: number | undefined;
  readonly postgres: number | undefined;
  readonly generator: number;
  /** All other processes on this machine; should be almost nothing. */
  readonly others: number | undefined;
}

export interface LoadResult {
  /** Answers per second in the measured time. */
  readonly rate: number;
  /** Milliseconds, in the measured time. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly longest: number };
  /** Number of answers by status, from the first request to the last answer. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests that were repeated because no new ones were left. */
  readonly repeated: number;
  /** Time of the last answer in milliseconds since the epoch. */
  readonly lastAnswerAt: number;
  /** Requests without an answer. */
  readonly errors: number;
  readonly usage: Usage;
}
