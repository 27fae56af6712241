/** Lets one work go on at a time, or as many as told, in the order in which they came. Whoever stops waiting is passed over. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  /** @param atATime how many may have a turn at once */
  constructor(atATime = 1) {
    this.#free = atATime;
  }

  /** @returns ends the turn; further calls do nothing  @throws the signal's reason when it comes first */
  async take(signal?: AbortSignal): Promise<() => void> {
    if (!this.#enter(signal)) await this.#wait(signal);
    let ended = false;
    return () => {
      if (!ended) this.#leave();
      ended = true;
    };
  }

  /** Works within a turn. @throws what the work throws, or the signal's reason when it comes before the turn */
  async run<T>(work: () => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    if (!this.#enter(signal)) await this.#wait(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  /** @returns whether there was a turn at once */
  #enter(signal: AbortSignal | undefined): boolean {
    signal?.throwIfAborted();
    if (this.#free === 0) return false;
    this.#free--;
    return true;
  }

  #leave(): void {
    const next = this.#waiting.shift();
    // The turn is handed on without a gap, so that nobody who comes between gets ahead.
    if (next === undefined) this.#free++;
    else next();
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal?.reason as Error);
      };
      const enter = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      this.#waiting.push(enter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }
}
