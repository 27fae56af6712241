/** Lengths of pieces that prompts are read in; between them time is measured by the nearest. */
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
    const index = SIZES.findIndex((size) => size >= tokens);
    const at = index < 0 ? SIZES.length - 1 : index;
    // The ends of prompts are shorter than their size says.
    this.#pieces[at] = blended(this.#pieces[at], Math.max(milliseconds, (milliseconds * SIZES[at]!) / tokens / 2));
  }

  /** @param alone whether nobody waits */
  size(alone: boolean): number {
    if (alone || this.#step === undefined) return alone ? SIZES.at(-1)! : SIZES[FIRST];
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
