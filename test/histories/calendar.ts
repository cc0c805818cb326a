const dayMilliseconds = 86_400_000;
/** Western Indonesian time, which a bank writes its days in. */
const jakartaMilliseconds = 7 * 3_600_000;

/**
 * What a model's seconds are in real time. The service's clock goes on by itself, and time passes in
 * a history by moving what the campaign waits for: days and proofs stay where they are.
 */
export class Calendar {
  /** The instant, in milliseconds, that the campaign's deadline was reckoned from. */
  readonly #began: number;

  constructor(began: number) {
    this.#began = began;
  }

  /** YYYY-MM-DD of so many days ago. */
  today(daysAgo = 0): string {
    return dayIn(Date.now() - daysAgo * dayMilliseconds);
  }

  /** The day of a moment of the model, when so many seconds have passed in it. */
  dayOf(seconds: number, passed: number): string {
    return dayIn(this.#began + (seconds - passed) * 1_000);
  }

  /** The day on which a statement has something. */
  dayOfLine(paid: Date | string): string {
    return typeof paid === 'string' ? paid : dayIn(paid.getTime());
  }

  dayAfter(day: string, days: number): string {
    return new Date(Date.parse(day) + days * dayMilliseconds).toISOString().slice(0, 10);
  }

  /** The moment of the model that an instant is, or the first one of a day. */
  secondsAt(when: Date | string, passed: number): number {
    const instant =
      typeof when === 'string' ? Date.parse(`${when}T00:00:00+07:00`) : when.getTime();
    return passed + (instant - this.#began) / 1_000;
  }
}

const dayIn = (instant: number): string =>
  new Date(instant + jakartaMilliseconds).toISOString().slice(0, 10);
