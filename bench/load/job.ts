/** The requests that the load generator sends: joins or reads. */
export type RequestMix =
  | {
      readonly kind: 'joins';
      /** The campaigns to join, one after the other. */
      readonly campaignIds: readonly string[];
      /** The key of the trusted backend that sends the joins and names the user of each. */
      readonly serviceKey: string;
      /** Whether all requests are identical, as `ab -p payload.json` sends them. */
      readonly same?: boolean;
    }
  | { readonly kind: 'reads'; readonly paths: readonly string[] };

/** The description of one load for the load generator. */
export interface Job {
  /** Origin of the server. */
  readonly url: string;
  readonly connections: number;
  readonly mix: RequestMix;
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
  /** Never part of a result: it only shows that the generator was not the limit. */
  readonly generator: number;
}

export interface LoadResult {
  /** Successful answers (2xx) per second during the measured time. */
  readonly rate: number;
  /** Milliseconds from request to successful answer, during the measured time. */
  readonly latency: { readonly p50: number; readonly p99: number; readonly max: number };
  /** Number of answers by status, from the first request to the last answer. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Time of the last answer in milliseconds since the epoch. */
  readonly lastAnswerAt: number;
  /** Requests without an answer. */
  readonly errors: number;
  readonly usage: Usage;
}

/** Successful answers per CPU-second of the service and of PostgreSQL together. */
export function perCpuSecond({ rate, usage }: LoadResult): number {
  return rate / ((usage.server ?? 0) + (usage.postgres ?? 0));
}

/** CPU time of the service's process per successful answer, in microseconds. */
export function serviceMicroseconds({ rate, usage }: LoadResult): number {
  return ((usage.server ?? 0) * 1e6) / rate;
}
