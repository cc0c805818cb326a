/** What we use of autocannon 9.0.0, which has no types of its own. */
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
    /** When so many requests were sent and the last was answered, the connection ends. */
    responseMax: number | undefined;
    /** Builds the bytes of these requests now; they are sent in turn, over and over. */
    setRequests(requests: readonly PreparedRequest[]): void;
  }

  export interface Options {
    readonly url: string;
    readonly connections: number;
    /** Seconds; not looked at when there is an amount. */
    readonly duration: number;
    /** Requests in all, shared out evenly over the connections. */
    readonly amount?: number;
    /** Seconds. */
    readonly timeout: number;
    /** Milliseconds. */
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
