import { InterruptibleSleep } from './interruptible-sleep.ts';

/** A background job of a worker process. `app.jobs` contains all of them. */
export interface Job {
  /**
   * Resolves when the job is running or is trying again after a failure. Never throws. Idempotent.
   */
  start(): void | Promise<void>;
  /** Resolves when the work in progress has ended. Idempotent. */
  stop(): Promise<void>;
}

export interface LoopOptions {
  /**
   * Does one pass of work and resolves to the milliseconds until the next pass. stop() aborts
   * `signal`. When a pass throws, the loop calls `onError` and starts the next pass after a wait.
   */
  readonly pass: (signal: AbortSignal) => Promise<number>;
  readonly onError: (error: unknown, retryMs: number) => void;
  /**
   * The first and the longest wait after a failed pass, in milliseconds. The wait doubles with each
   * further failure.
   */
  readonly retryMs: readonly [first: number, max: number];
}

/**
 * The loop of a background job: runs one pass after the other until it is stopped. It sleeps
 * between passes; `wake` shortens the sleep. After a failed pass the waits become longer.
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
   * Why the loop is not working: `not started`, `stopped`, or the error of the last pass. Null when
   * it is working.
   */
  get failure(): string | null {
    return this.#failure;
  }

  get isStarted(): boolean {
    return this.#running !== undefined;
  }

  /** True from the call of stop() until the next start(). */
  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Starts the loop. The first pass starts at once. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#stopping = new AbortController();
    this.#failures = 0;
    this.#running = this.#run(this.#stopping.signal);
  }

  /** Makes the next pass start within this many milliseconds. Can also be called during a pass. */
  wake(withinMs = 0): void {
    this.#sleep.wakeWithin(withinMs);
  }

  /** Makes `failure` null before the first pass has ended. */
  markRunning(): void {
    this.#failure = null;
  }

  /** Stops the loop; resolves when the pass in progress has ended. */
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
