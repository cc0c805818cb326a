/** What the load generator is told to send. */
export type Wish =
  | {
      readonly kind: 'joins';
      /** Every request joins one of these. */
      readonly campaignIds: readonly string[];
      /** Who sends them: a trusted backend for its users, or each user with a token of theirs. */
      readonly as: { readonly serviceKey: string } | { readonly tokenSecret: string };
      /** Whether each request has an Idempotency-Key. */
      readonly keys?: boolean;
      /** Whether all are the same request of the same user, as `ab -p payload.json` sends it. */
      readonly same?: boolean;
    }
  | { readonly kind: 'reads'; readonly paths: readonly string[] };

/** One load, from the first request to the last answer. */
export interface Job {
  /** Origin of the server. */
  readonly url: string;
  readonly connections: number;
  readonly wish: Wish;
  /** Load that is not measured, then load that is; or so many requests, all measured. */
  readonly extent:
    { readonly warmSeconds: number; readonly seconds: number } | { readonly total: number };
  /** Requests a second to be prepared for; above that, users come again. */
  readonly expectedRate: number;
  /** Whose processor time is to be measured. */
  readonly processes: Processes;
}

export interface Processes {
  readonly server: number;
  /** The first process of PostgreSQL; its children count as well. */
  readonly postgres: number | undefined;
}

/** Cores in use on average: 1 is one core, all the time. Undefined where it cannot be told. */
export interface Usage {
  readonly server: number | undefined;
  readonly postgres: number | undefined;
  readonly generator: number;
  /** Everything else on this machine, which should be next to nothing. */
  readonly others: number | undefined;
}

export interface Answered {
  /** Answers a second in the measured time. */
  readonly rate: number;
  /** Milliseconds, in the measured time. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly longest: number };
  /** Answers by status, from the first request to the last answer. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Requests that were sent a second time, because there were no new ones left. */
  readonly repeated: number;
  /** When the last answer came, in milliseconds since the epoch. */
  readonly lastAnswerAt: number;
  /** Requests without an answer. */
  readonly errors: number;
  readonly usage: Usage;
}
