import { InterruptibleSleep } from './interruptible-sleep.ts';

/** A background service of a worker process; `app.jobs` lists them all. */
export interface Job {
  /** Resolves when it runs, or has begun to try. Never throws. Idempotent. */
  start(): void | Promise<void>;
  /** Resolves after what is in progress has ended. Idempotent. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  /**
   * One pass. Resolves to the milliseconds until the next one. `signal` is aborted by stop(). When it
   * throws, `onError` is told and the pass is repeated after a back-off.
   */
  readonly pass: (signal: AbortSignal) => Promise<number>;
  readonly onError: (error: unknown, retryMs: number) => void;
  /** The back-off doubles from the first to the last value, in milliseconds. */
  readonly retryMs: readonly [first: number, max: number];
}

/**
 * The loop of a background service: passes one after the other until it is stopped, a sleep between
 * them that `wake` cuts short, and a back-off after failures.
 */
export class Loop implements Job {
  readonly #options: LoopOptions;
  readonly #sleep = new InterruptibleSleep();
  #stopping = new AbortController();
  #running: Promise<void> | undefined;
  #failure: string | null = 'not started';
  #failures = 0;

  constructor(options: LoopOptions) {
    this.#options = options;
  }

  /** Why it does not run, or null: `not started`, `stopped`, or what the last pass threw. */
  get failure(): string | null {
    return this.#failure;
  }

  get isStarted(): boolean {
    return this.#running !== undefined;
  }

  /** Whether stop() was called and start() was not called since. */
  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** The first pass begins at once. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#stopping = new AbortController();
    this.#failures = 0;
    this.#running = this.#run(this.#stopping.signal);
  }

  /** The next pass begins within so many milliseconds, also when it is called during a pass. */
  wake(withinMs = 0): void {
    this.#sleep.shorten(withinMs);
  }

  /** Says before the end of the first pass that the loop works. */
  markRunning(): void {
    this.#failure = null;
  }

  /** Ends after the pass in progress. */
  async stop(): Promise<void> {
    if (this.#running === undefined) return;
    this.#stopping.abort();
    this.#sleep.end();
    await this.#running;
    this.#running = undefined;
    this.#failure = 'stopped';
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#sleep.begin();
      const waitMs = await this.#pass(signal);
      if (!signal.aborted) await this.#sleep.sleepUntil(waitMs);
    }
  }

  async #pass(signal: AbortSignal): Promise<number> {
    const { pass, onError, retryMs } = this.#options;
    try {
      const waitMs = await pass(signal);
      this.#failure = null;
      this.#failures = 0;
      return waitMs;
    } catch (error) {
      const [first, max] = retryMs;
      const waitMs = Math.min(max, first * 2 ** this.#failures++);
      this.#failure = error instanceof Error ? error.message : String(error);
      onError(error, waitMs);
      return waitMs;
    }
  }
}
