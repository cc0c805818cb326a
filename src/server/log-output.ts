import { pino } from 'pino';

/** Log lines are written together when they have this many characters. */
const chunkLength = 32_768;
/** Log lines wait at most this long, in milliseconds. */
const maxDelayMs = 100;

/**
 * The standard output of the process as the destination of its log. It collects lines and writes
 * them together and asynchronously, because each write wakes a thread and takes longer than building
 * several lines.
 */
export class LogOutput {
  readonly #output = pino.destination({ fd: 1, sync: false, maxWrite: 2 * chunkLength });
  readonly #writeOut = (): void => this.#write();
  #pending = '';
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    process.on('exit', () => this.flush());
  }

  write(line: string): void {
    this.#pending += line;
    if (this.#pending.length >= chunkLength) this.#write();
    else this.#timer ??= setTimeout(this.#writeOut, maxDelayMs).unref();
  }

  /** Writes all lines synchronously, for example before the process exits. */
  flush(): void {
    try {
      this.#write();
      this.#output.flushSync();
    } catch {
      // Standard output is closed, or not open yet because no line was written before.
    }
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pending === '') return;
    const lines = this.#pending;
    this.#pending = '';
    this.#output.write(lines);
  }
}
