/** Lengths of pieces that prompts are read in. */
const SIZES = [16, 32, 64, 128, 256, 512] as const;
/** Where nothing is known yet. */
const FIRST = 1;
/** How much a new measurement counts. */
const WEIGHT = 0.2;

/**
 * How long the pieces are in which prompts are read while other answers are written: as long as one of them takes no more
 * time than a step, so that nobody waits for more than two steps. Both are measured as they happen.
 */
export class PiecePace {
  /** Milliseconds of a piece, by size. */
  readonly #pieces: (number | undefined)[] = SIZES.map(() => undefined);
  #step: number | undefined;

  /** Milliseconds of a step, as last seen. */
  get stepTime(): number | undefined {
    return this.#step;
  }

  sawStep(milliseconds: number): void {
    this.#step = blended(this.#step, milliseconds);
  }

  sawPiece(tokens: number, milliseconds: number): void {
    const at = SIZES.findIndex((size) => size >= tokens);
    // The short end of a prompt says little of whole pieces.
    if (at >= 0 && 2 * tokens > SIZES[at]!) this.#pieces[at] = blended(this.#pieces[at], milliseconds);
  }

  /** @param alone whether nobody waits */
  size(alone: boolean): number {
    if (alone) return SIZES.at(-1)!;
    if (this.#step === undefined) return SIZES[FIRST];
    let best = 0;
    for (let index = 1; index < SIZES.length; index++) if (this.#expected(index) <= this.#step) best = index;
    return SIZES[best]!;
  }

  /** Milliseconds of a piece of a size, in proportion to the nearest that was seen. */
  #expected(index: number): number {
    for (let distance = 0; distance < SIZES.length; distance++)
      for (const near of [index - distance, index + distance]) {
        const seen = this.#pieces[near];
        if (seen !== undefined) return (seen * SIZES[index]!) / SIZES[near]!;
      }
    // Nothing was read yet.
    return index <= FIRST ? 0 : Infinity;
  }
}

function blended(before: number | undefined, now: number): number {
  return before === undefined ? now : before + WEIGHT * (now - before);
}
