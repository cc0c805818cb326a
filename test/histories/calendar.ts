const dayMilliseconds = 86_400_000;
/** Western Indonesian time, in which banks write their days. */
const jakartaMilliseconds = 7 * 3_600_000;

/**
 * Maps the model's seconds to real time. The service's clock runs by itself; time passes in a
 * history by shifting the stored times of the campaign, while days and proofs stay.
 */
export class Calendar {
  /** The time, in milliseconds, from which the campaign's deadline was computed. */
  readonly #began: number;

  constructor(began: number) {
    this.#began = began;
  }

  /** The day this many days ago, YYYY-MM-DD. */
  today(daysAgo = 0): string {
    return dayIn(Date.now() - daysAgo * dayMilliseconds);
  }

  /** The day of a model time, after this many seconds of the model have passed. */
  dayOf(seconds: number, passed: number): string {
    return dayIn(this.#began + (seconds - passed) * 1_000);
  }

  /** The day of an entry on a statement. */
  dayOfLine(paid: Date | string): string {
    return typeof paid === 'string' ? paid : dayIn(paid.getTime());
  }

  dayAfter(day: string, days: number): string {
    return new Date(Date.parse(day) + days * dayMilliseconds).toISOString().slice(0, 10);
  }

  /** The model time of a timestamp, or the first one of a day. */
  secondsAt(when: Date | string, passed: number): number {
    const instant =
      typeof when === 'string' ? Date.parse(`${when}T00:00:00+07:00`) : when.getTime();
    return passed + (instant - this.#began) / 1_000;
  }
}

const dayIn = (instant: number): string =>
  new Date(instant + jakartaMilliseconds).toISOString().slice(0, 10);
