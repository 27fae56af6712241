/** Counts the bytes that the values of one runtime hold. */
export class MemoryAccount {
  #current = 0;
  #peak = 0;

  add(bytes: number): void {
    this.#current += bytes;
    if (this.#current > this.#peak) this.#peak = this.#current;
  }

  remove(bytes: number): void {
    this.#current -= bytes;
  }

  report(): { values: number; peakValues: number } {
    return { values: this.#current, peakValues: this.#peak };
  }
}
