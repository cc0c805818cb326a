/** Types for the part of autocannon 9.0.0 that we use. The package contains no types. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events';

  export interface PreparedRequest {
    readonly method?: string;
    readonly path?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  }

  /** One connection. */
  export interface Client extends EventEmitter {
    /** Requests sent so far. */
    readonly reqsMade: number;
    /** The connection closes after this many requests are answered. */
    responseMax: number | undefined;
    /** Builds the bytes of these requests now; sends them one after the other, repeatedly. */
    setRequests(requests: readonly PreparedRequest[]): void;
  }

  export interface Options {
    readonly url: string;
    readonly connections: number;
    /** Duration of the load in seconds; ignored if `amount` is set. */
    readonly duration: number;
    /** Total number of requests, divided evenly over the connections. */
    readonly amount?: number;
    /** Time-out of a request in seconds. */
    readonly timeout: number;
    /** Interval between two samples in milliseconds. */
    readonly sampleInt: number;
    readonly setupClient: (client: Client) => void;
  }

  export interface Result {
    readonly errors: number;
    readonly timeouts: number;
  }

  export interface Tracker extends EventEmitter, PromiseLike<Result> {}

  export default function autocannon(options: Options): Tracker;
}
