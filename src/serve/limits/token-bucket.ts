/**
 * A bucket that fills at a steady rate up to a brim. Who takes more than there is leaves a debt, which the rate pays off
 * first: the way to charge for what is known only afterwards, such as the length of an answer.
 */
export class TokenBucket {
  readonly capacity: number;
  readonly #perSecond: number;
  readonly #now: () => number;
  #level: number;
  #time: number;

  /** @param now seconds of a clock that never goes back */
  constructor(capacity: number, perSecond: number, now: () => number = () => performance.now() / 1000) {
    this.capacity = capacity;
    this.#perSecond = perSecond;
    this.#now = now;
    this.#level = capacity;
    this.#time = now();
  }

  /** What is in it; below 0 a debt. */
  get level(): number {
    const time = this.#now();
    this.#level = Math.min(this.capacity, this.#level + (time - this.#time) * this.#perSecond);
    this.#time = time;
    return this.#level;
  }

  /** Seconds until `amount` is in it; 0 when it is. An amount beyond the brim counts as a full bucket. */
  wait(amount: number): number {
    return Math.max(0, (Math.min(amount, this.capacity) - this.level) / this.#perSecond);
  }

  take(amount: number): void {
    this.#level = this.level - amount;
  }
}
