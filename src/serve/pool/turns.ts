/** Lets one in at a time, in the order in which they came. Whoever stops waiting is passed over. */
export class Turns {
  #busy = false;
  readonly #waiting: (() => void)[] = [];

  /** @returns ends the turn; further calls do nothing  @throws the signal's reason when it comes first */
  async take(signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#busy) await this.#wait(signal);
    this.#busy = true;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      const next = this.#waiting.shift();
      // The turn is handed on without a gap, so that nobody who comes between gets ahead.
      if (next === undefined) this.#busy = false;
      else next();
    };
  }

  async #wait(signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(signal?.reason as Error);
      };
      this.#waiting.push(enter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }
}
