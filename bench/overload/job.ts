/** One kind of request of a crowd; `weight` of all requests are of this kind. */
export interface Kind {
  readonly name: string;
  readonly weight: number;
  /** What comes before and after the id of a fresh user in the bytes of the request. */
  readonly head: string;
  /** The body before and after the id of its user; undefined: no body. */
  readonly body?: readonly [before: string, after: string];
  /** So many people are signed in, and send it in turn: their cookies are `sessionToken` of 0 on. */
  readonly people?: number;
  /** The status of an answer that did what was asked. */
  readonly good: number;
}

/** What the browser of one of many people brings. */
export function sessionToken(person: number): string {
  return String(person).padStart(43, 's');
}

/** One load of the open or the closed kind. */
export interface Job {
  readonly port: number;
  readonly kinds: readonly Kind[];
  readonly seconds: number;
  /** So many at once, each as soon as the one before it was answered; or so many a second. */
  readonly load:
    { readonly connections: number } | { readonly rate: number; readonly mostConnections: number };
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

export interface Heard {
  /** Requests that were sent; those that found no connection were not. */
  readonly sent: number;
  readonly unsent: number;
  /** Answers by kind, status and code of a 503: `join 201`, `join 503 overloaded`. */
  readonly answers: Readonly<Record<string, number>>;
  /** Good answers a second while it lasted. */
  readonly goodput: number;
  readonly good: Latency;
  readonly shed: Latency;
  /** Of those that were sent after the first two seconds, when the crowd has been let in. */
  readonly settledShed: Latency;
  /** Sheds without Retry-After. */
  readonly rude: number;
  /** Pieces of an answer that nobody had asked for. */
  readonly stray: number;
  /** Requests whose connection ended without an answer. */
  readonly unanswered: number;
  /** Of each tenth of a second: good answers, sheds, and the longest wait of a good one. */
  readonly course: readonly {
    readonly good: number;
    readonly sheds: number;
    readonly longest: number;
  }[];
  /** Cores that the generator itself used; near 1 it measures itself. */
  readonly ownCores: number;
}
