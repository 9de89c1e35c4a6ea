/** The clock of a simulated world: stands still until it is told to go. Everybody in it reads this one, some of them wrongly. */
export class Clock {
  #at: number;

  constructor(instant: string) {
    this.#at = Date.parse(instant);
  }

  /** Sets it to an instant, also an earlier one. */
  set(instant: string | number): void {
    this.#at = typeof instant === 'string' ? Date.parse(instant) : instant;
  }

  get at(): number {
    return this.#at;
  }

  /** The clock as somebody reads it whose own is so many milliseconds fast. */
  readonly read = (fast = 0): string => new Date(this.#at + fast).toISOString();
}
