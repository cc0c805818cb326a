import { BatchLoader } from './batch-loader.ts';
import type { Query, Run } from './query.ts';

type AnyQuery = Query<readonly unknown[], unknown>;
type Outcome = { readonly rows: unknown[] } | { readonly error: unknown };

/**
 * Returns a `run` that executes a shared query once for concurrent callers with the same
 * parameters. They all get the same rows, so they must not change them. Nothing is cached: the
 * query always starts after it was requested.
 */
export function shareReads(run: Run): Run {
  const reads = new WeakMap<object, SharedQuery>();
  return (statement, parameters) => {
    if (statement.isShared !== true) return run(statement, parameters);
    let shared = reads.get(statement);
    if (shared === undefined) reads.set(statement, (shared = new SharedQuery(run, statement)));
    return shared.rows(parameters);
  };
}

/** The callers of one query. */
class SharedQuery {
  readonly #run: Run;
  readonly #statement: AnyQuery;
  readonly #waiting = new Map<string, readonly unknown[]>();
  readonly #loader = new BatchLoader<Outcome>(async (keys) => {
    const outcomes = await Promise.all(keys.map((key) => this.#execute(key)));
    return new Map(keys.map((key, index) => [key, outcomes[index]!]));
  });

  constructor(run: Run, statement: AnyQuery) {
    this.#run = run;
    this.#statement = statement;
  }

  async rows(parameters: readonly unknown[]): Promise<unknown[]> {
    const key = JSON.stringify(parameters);
    this.#waiting.set(key, parameters);
    const outcome = (await this.#loader.find(key))!;
    if ('error' in outcome) throw outcome.error;
    return outcome.rows;
  }

  /** Catches the error of one execution, so that callers with other parameters get their rows. */
  async #execute(key: string): Promise<Outcome> {
    const parameters = this.#waiting.get(key)!;
    this.#waiting.delete(key);
    try {
      return { rows: await this.#run(this.#statement, parameters) };
    } catch (error) {
      return { error };
    }
  }
}
