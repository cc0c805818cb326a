import type { Lookup, Queryable } from './query.ts';

/**
 * Reads the values of several keys at once. The result contains no entry for a key without a value.
 */
export type ReadMany<V> = (keys: readonly string[]) => Promise<ReadonlyMap<string, V>>;

export interface BatchLoaderOptions {
  /** Maximum number of keys in one read. */
  readonly maxKeys?: number;
  /** Maximum number of reads at the same time, not counting slow reads. */
  readonly concurrency?: number;
  /**
   * A read that takes longer than this number of milliseconds counts as slow. The next read does
   * not wait for a slow read.
   */
  readonly slowMs?: number;
}

/**
 * Default options. With two reads at the same time, the database works on one read while this
 * process returns the results of the other.
 */
export const batchLoaderDefaults = { maxKeys: 200, concurrency: 2, slowMs: 250 };

/** A key that the next read will include, with all callers that wait for its value. */
interface PendingKey<V> {
  readonly answer: Promise<V | undefined>;
  readonly resolve: (value: V | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Combines lookups by key from concurrent callers into fewer reads. While reads are in progress,
 * new keys are collected for the next read. When no read is in progress, a new read starts at once,
 * so a single caller does not wait. Nothing is cached: every read starts after its keys were
 * requested, so a result is never older than the request. If a read fails, all callers that wait
 * for its keys get the error.
 */
export class BatchLoader<V> {
  readonly #read: ReadMany<V>;
  readonly #options: Required<BatchLoaderOptions>;
  #waiting = new Map<string, PendingKey<V>>();
  #running = 0;
  #isPlanned = false;

  constructor(read: ReadMany<V>, options: BatchLoaderOptions = {}) {
    this.#read = read;
    this.#options = { ...batchLoaderDefaults, ...options };
  }

  /**
   * Resolves to the value of the key, or undefined when the key has no value. Throws the error of
   * the read.
   */
  find(key: string): Promise<V | undefined> {
    let pending = this.#waiting.get(key);
    if (pending === undefined) {
      const { promise: answer, resolve, reject } = Promise.withResolvers<V | undefined>();
      pending = { answer, resolve, reject };
      this.#waiting.set(key, pending);
      this.#plan();
    }
    return pending.answer;
  }

  /**
   * Starts a read after the current iteration of the event loop, so that keys requested in the same
   * iteration are read together.
   */
  #plan(): void {
    if (this.#isPlanned || this.#waiting.size === 0) return;
    if (this.#running >= this.#options.concurrency) return;
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      void this.#runRead();
    });
  }

  async #runRead(): Promise<void> {
    const batch = this.#takeOldest();
    const freeSlot = this.#occupySlot();
    try {
      const found = await this.#read([...batch.keys()]);
      freeSlot();
      for (const [key, { resolve }] of batch) resolve(found.get(key));
    } catch (error) {
      freeSlot();
      for (const { reject } of batch.values()) reject(error);
    }
  }

  /** Removes and returns the keys that have waited the longest; usually these are all keys. */
  #takeOldest(): Map<string, PendingKey<V>> {
    const batch = this.#waiting;
    this.#waiting = new Map();
    if (batch.size <= this.#options.maxKeys) return batch;
    const inOrder = [...batch];
    this.#waiting = new Map(inOrder.slice(this.#options.maxKeys));
    return new Map(inOrder.slice(0, this.#options.maxKeys));
  }

  /**
   * Counts a read as in progress. Returns a function that ends the counting. The counting also ends
   * when the read becomes slow.
   */
  #occupySlot(): () => void {
    let isHeld = true;
    const free = (): void => {
      if (!isHeld) return;
      isHeld = false;
      clearTimeout(slow);
      this.#running--;
      this.#plan();
    };
    const slow = setTimeout(free, this.#options.slowMs);
    this.#running++;
    return free;
  }
}

/** Returns a function `find` that reads the rows for concurrent callers in one SQL statement. */
export function findBatched(db: Pick<Queryable, 'rows'>): Queryable['find'] {
  const loaders = new WeakMap<object, unknown>();
  const loaderOf = <R>(lookup: Lookup<R>): BatchLoader<R> => {
    const known = loaders.get(lookup) as BatchLoader<R> | undefined;
    const loader = known ?? new BatchLoader((ids) => readRows(db, lookup, ids));
    if (known === undefined) loaders.set(lookup, loader);
    return loader;
  };
  return (lookup, id) => loaderOf(lookup).find(id.toLowerCase());
}

async function readRows<R>(
  db: Pick<Queryable, 'rows'>,
  { one, many, idOf }: Lookup<R>,
  ids: readonly string[],
): Promise<Map<string, R>> {
  const rows = ids.length === 1 ? await db.rows(one, ids[0]!) : await db.rows(many, [...ids]);
  return new Map(rows.map((row) => [idOf(row), row]));
}
