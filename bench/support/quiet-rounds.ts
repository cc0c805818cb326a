import type { Bench } from '../bench.ts';
import { cpuSecondsOfTree, secondsOfMachine } from './cpu-usage.ts';

/** If other programs use more CPU cores than this on average, a round is repeated. */
const maxOtherCores = 0.15;

/** Runs rounds, repeats disturbed ones once, and counts both. */
export class QuietRounds {
  /** Number of rounds that were repeated. */
  repeated = 0;
  /** The CPU cores that other programs used in the rounds that count. */
  readonly otherCores: number[] = [];
  readonly #roots: readonly number[];
  readonly #repeats: boolean;
  readonly #progress: Bench['progress'];

  /** `roots` are the processes of the benchmark; their descendants belong to it too. */
  constructor(roots: readonly number[], repeats: boolean, progress: Bench['progress']) {
    this.#roots = roots;
    this.#repeats = repeats;
    this.#progress = progress;
  }

  /** Runs a round, once more if it was disturbed. Returns the result of the quieter run. */
  async run<T>(name: string, round: () => Promise<T>): Promise<T> {
    const first = await this.#measured(round);
    if (!this.#repeats || first.others <= maxOtherCores) return this.#count(first);
    this.repeated++;
    this.#progress(
      `${name}: repeated, because other programs used ${first.others.toFixed(2)} cores`,
    );
    const second = await this.#measured(round);
    return this.#count(second.others <= first.others ? second : first);
  }

  async #measured<T>(round: () => Promise<T>): Promise<{ result: T; others: number }> {
    const before = this.#read();
    const result = await round();
    const after = this.#read();
    const seconds = (after.at - before.at) / 1_000;
    return { result, others: Math.max(0, (after.others - before.others) / seconds) };
  }

  #read(): { at: number; others: number } {
    const [machine, own] = [secondsOfMachine(), cpuSecondsOfTree(this.#roots)];
    const others = machine === undefined || own === undefined ? 0 : machine - own;
    return { at: performance.now(), others };
  }

  #count<T>({ result, others }: { result: T; others: number }): T {
    this.otherCores.push(others);
    return result;
  }
}
