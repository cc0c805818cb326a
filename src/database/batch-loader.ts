import type { Lookup, Queryable } from './query.ts';

/** Reads several keys at once; a key that is not in what it gives has nothing. */
export type ReadMany<V> = (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>;

export interface BatchLoaderOptions {
  /** Most keys in one read. */
  readonly most?: number;
  /** Reads under way at the same time, those that are slow aside. */
  readonly lanes?: number;
  /** A read that takes longer than this does not keep the next one back any more. */
  readonly slowMs?: number;
}

/** Two, so that the database works on one while this process hands out the other. */
export const batchLoaderDefaults = { most: 200, lanes: 2, slowMs: 250 };

/** Everybody who asks for one key in one read. */
interface Asked<V> {
  readonly answer: Promise<V | undefined>;
  readonly resolve: (value: V | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Reads by key, for many who ask at the same time. While reads are under way those who ask gather,
 * and the next read is for all of them; when none is, one leaves at once, so that who asks alone
 * waits for nothing. Every answer is read after it was asked for: nothing here is ever stale, and
 * nothing is kept. When a read fails, everybody who waited for it gets its error.
 */
export class BatchLoader<V> {
  readonly #read: ReadMany<V>;
  readonly #options: Required<BatchLoaderOptions>;
  #waiting = new Map<string, Asked<V>>();
  #underWay = 0;
  #isPlanned = false;

  constructor(read: ReadMany<V>, options: BatchLoaderOptions = {}) {
    this.#read = read;
    this.#options = { ...batchLoaderDefaults, ...options };
  }

  /** What the key has, undefined when it has nothing. Throws what the read throws. */
  find(key: string): Promise<V | undefined> {
    let asked = this.#waiting.get(key);
    if (asked === undefined) {
      const { promise: answer, resolve, reject } = Promise.withResolvers<V | undefined>();
      asked = { answer, resolve, reject };
      this.#waiting.set(key, asked);
      this.#plan();
    }
    return asked.answer;
  }

  /** What is asked for in the same turn of the event loop is read together. */
  #plan(): void {
    if (this.#isPlanned || this.#waiting.size === 0) return;
    if (this.#underWay >= this.#options.lanes) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      void this.#leave();
    });
  }

  async #leave(): Promise<void> {
    const leaving = this.#take();
    const freeLane = this.#takeLane();
    try {
      const found = await this.#read([...leaving.keys()]);
      freeLane();
      for (const [key, { resolve }] of leaving) resolve(found.get(key));
    } catch (error) {
      freeLane();
      for (const { reject } of leaving.values()) reject(error);
    }
  }

  /** Those who came first; mostly everybody. */
  #take(): Map<string, Asked<V>> {
    const leaving = this.#waiting;
    this.#waiting = new Map();
    if (leaving.size <= this.#options.most) return leaving;
    const inOrder = [...leaving];
    this.#waiting = new Map(inOrder.slice(this.#options.most));
    return new Map(inOrder.slice(0, this.#options.most));
  }

  /** Gives what frees the lane again; it frees itself when the read is slow. */
  #takeLane(): () => void {
    let isTaken = true;
    const free = (): void => {
      if (!isTaken) return;
      isTaken = false;
      clearTimeout(slow);
      this.#underWay--;
      this.#plan();
    };
    const slow = setTimeout(free, this.#options.slowMs);
    this.#underWay++;
    return free;
  }
}

/** The way to find rows by id that serves everybody who looks at the same time with one statement. */
export function findBatched(db: Pick<Queryable, 'rows'>): Queryable['find'] {
  const gatherers = new WeakMap<object, unknown>();
  const gathererOf = <R>(lookup: Lookup<R>): BatchLoader<R> => {
    const known = gatherers.get(lookup) as BatchLoader<R> | undefined;
    const gatherer = known ?? new BatchLoader((ids) => readRows(db, lookup, ids));
    if (known === undefined) gatherers.set(lookup, gatherer);
    return gatherer;
  };
  return (lookup, id) => gathererOf(lookup).find(id.toLowerCase());
}

async function readRows<R>(
  db: Pick<Queryable, 'rows'>,
  { one, many, idOf }: Lookup<R>,
  ids: readonly string[],
): Promise<Map<string, R>> {
  const rows = ids.length === 1 ? await db.rows(one, ids[0]!) : await db.rows(many, [...ids]);
  return new Map(rows.map((row) => [idOf(row), row]));
}
