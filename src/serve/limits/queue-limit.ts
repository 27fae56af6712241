/** How many requests may be under way, those that wait included. */

/** Weight of the latest pause between two ends in the mean that estimates the next one. */
const LATEST = 0.2;
/** Longest time that clients are told to wait, in seconds. */
const LONGEST = 60;

/** Counts requests that compute, and refuses more than a number of them: a queue without a bound only makes all of them late. */
export class QueueLimit {
  readonly limit: number;
  readonly #now: () => number;
  #underWay = 0;
  /** Mean of the pauses between ends while others waited, in seconds. */
  #pause: number | undefined;
  #lastEnd: number | undefined;

  /** @param limit most requests at a time  @param now seconds of a clock that never goes back */
  constructor(limit: number, now: () => number = () => performance.now() / 1000) {
    this.limit = limit;
    this.#now = now;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** @returns gives the place back, further calls do nothing; or undefined when there is none */
  enter(): (() => void) | undefined {
    if (this.#underWay >= this.limit) return undefined;
    // After an idle time the pause before the next end says nothing about how fast ends follow each other.
    if (this.#underWay === 0) this.#lastEnd = undefined;
    this.#underWay++;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#underWay--;
      this.#ended();
    };
  }

  /** Whole seconds after which a place may be free, 1 to 60: about two ends from now. */
  get retryAfter(): number {
    return Math.min(LONGEST, Math.max(1, Math.ceil(2 * (this.#pause ?? 0))));
  }

  #ended(): void {
    const time = this.#now();
    if (this.#lastEnd !== undefined) {
      const pause = time - this.#lastEnd;
      this.#pause = this.#pause === undefined ? pause : LATEST * pause + (1 - LATEST) * this.#pause;
    }
    this.#lastEnd = time;
  }
}
