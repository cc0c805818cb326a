const dayMilliseconds = 86_400_000;
/** The offset of Western Indonesian time, the time zone of the days on bank statements. */
const jakartaMilliseconds = 7 * 3_600_000;

/**
 * Converts the seconds of the model to real time. The clock of the service cannot be changed. To
 * let time pass, a history moves the stored times of the campaign into the past. Days and proofs of
 * payment are not moved.
 */
export class Calendar {
  /** The real time, in milliseconds, from which the campaign's deadline was computed. */
  readonly #began: number;

  constructor(began: number) {
    this.#began = began;
  }

  /** The day this many days ago, as YYYY-MM-DD. */
  today(daysAgo = 0): string {
    return dayIn(Date.now() - daysAgo * dayMilliseconds);
  }

  /** The day of a time in the model, when the model is at second `passed`. */
  dayOf(seconds: number, passed: number): string {
    return dayIn(this.#began + (seconds - passed) * 1_000);
  }

  /** The day that a bank statement shows for an entry. */
  dayOfLine(paid: Date | string): string {
    return typeof paid === 'string' ? paid : dayIn(paid.getTime());
  }

  dayAfter(day: string, days: number): string {
    return new Date(Date.parse(day) + days * dayMilliseconds).toISOString().slice(0, 10);
  }

  /** The time in the model of a timestamp; of a day, the time at which it begins. */
  secondsAt(when: Date | string, passed: number): number {
    const instant =
      typeof when === 'string' ? Date.parse(`${when}T00:00:00+07:00`) : when.getTime();
    return passed + (instant - this.#began) / 1_000;
  }
}

const dayIn = (instant: number): string =>
  new Date(instant + jakartaMilliseconds).toISOString().slice(0, 10);
