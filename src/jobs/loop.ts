import { InterruptibleSleep } from './interruptible-sleep.ts';

/** A background service of a worker process; `app.jobs` lists them all. */
export interface Job {
  /** Resolves when the job runs or has started to retry. Never throws. Idempotent. */
  start(): void | Promise<void>;
  /** Resolves after the work in progress has ended. Idempotent. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  /**
   * One pass. Resolves to the milliseconds until the next pass. stop() aborts `signal`. When it
   * throws, the loop calls `onError` and repeats the pass after a back-off.
   */
  readonly pass: (signal: AbortSignal) => Promise<number>;
  readonly onError: (error: unknown, retryMs: number) => void;
  /** Back-off in milliseconds; doubles from the first value to the last. */
  readonly retryMs: readonly [first: number, max: number];
}

/**
 * The loop of a background service: runs passes one at a time until it is stopped. `wake` cuts the
 * sleep between passes short; failures lead to a back-off.
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

  /**
   * Why the loop does not run, or null: `not started`, `stopped`, or the error of the last pass.
   */
  get failure(): string | null {
    return this.#failure;
  }

  get isStarted(): boolean {
    return this.#running !== undefined;
  }

  /** True between stop() and the next start(). */
  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** The first pass starts at once. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#stopping = new AbortController();
    this.#failures = 0;
    this.#running = this.#run(this.#stopping.signal);
  }

  /** Starts the next pass within this many milliseconds; also works during a pass. */
  wake(withinMs = 0): void {
    this.#sleep.wakeWithin(withinMs);
  }

  /** Reports before the end of the first pass that the loop works. */
  markRunning(): void {
    this.#failure = null;
  }

  /** Resolves after the pass in progress. */
  async stop(): Promise<void> {
    if (this.#running === undefined) return;
    this.#stopping.abort();
    this.#sleep.wake();
    await this.#running;
    this.#running = undefined;
    this.#failure = 'stopped';
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#sleep.begin();
      const waitMs = await this.#pass(signal);
      if (!signal.aborted) await this.#sleep.sleep(waitMs);
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
