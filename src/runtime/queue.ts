/**
 * Runs, reads and writes of one runtime, in the order in which they were asked for, one at a time. So a program that is
 * given a value sees what the calls before it left there, even where the caller did not await them.
 */
export class WorkQueue {
  #busy = false;
  readonly #waiting: (() => void)[] = [];

  /** Nothing is running or waiting. */
  get idle(): boolean {
    return !this.#busy;
  }

  /** Performs `work` after everything that came before, whether that failed or not. */
  async run<T>(work: () => T | Promise<T>): Promise<T> {
    if (this.#busy) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#busy = true;
    try {
      return await work();
    } finally {
      // The place is handed on, never let go of while somebody waits: nobody can push in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#busy = false;
      else next();
    }
  }
}
