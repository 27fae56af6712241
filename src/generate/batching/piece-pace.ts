/** Pieces are whole multiples of it. */
const UNIT = 16;
const LONGEST = 512;
/** Where nothing is known yet. */
const FIRST = 32;
/** How much a new measurement counts. */
const WEIGHT = 0.2;
/** Milliseconds of a token where the clock saw none pass. */
const LEAST = 1e-6;
/** Steps that answers wait for prompts to be read, where most places write. */
const PATIENCE = 1.5;
/** The same at most, where about as many requests come as there are answers being written, or more: all of them wait, too. */
const MOST_PATIENCE = 8;

/**
 * How much of prompts is read between two steps of the answers that are being written. Times of steps and pieces are measured
 * as they happen; a piece is taken to cost something by itself and something for each token.
 */
export class PiecePace {
  #step: number | undefined;
  /** Means over the last pieces: tokens, milliseconds, and their products. */
  #means: { tokens: number; time: number; squares: number; products: number } | undefined;

  sawStep(milliseconds: number): void {
    this.#step = blended(this.#step, milliseconds);
  }

  sawPiece(tokens: number, time: number): void {
    const seen = { tokens, time, squares: tokens * tokens, products: tokens * time };
    const before = this.#means;
    this.#means = {
      tokens: blended(before?.tokens, seen.tokens),
      time: blended(before?.time, seen.time),
      squares: blended(before?.squares, seen.squares),
      products: blended(before?.products, seen.products),
    };
  }

  /** Milliseconds of reading. @param coming requests that there are free places for  @param writing answers that wait */
  budget(coming: number, writing: number): number {
    if (writing === 0) return Infinity;
    // One piece, and then it is known what a step takes.
    if (this.#step === undefined) return 0;
    return this.#step * Math.max(PATIENCE, Math.min(MOST_PATIENCE, (2 * coming) / writing));
  }

  /** Tokens of the longest piece that takes no more than that; the shortest where none does. */
  size(milliseconds: number): number {
    if (milliseconds === Infinity) return LONGEST;
    if (this.#means === undefined) return FIRST;
    const { itself, token } = this.#costs();
    const tokens = (milliseconds - itself) / token;
    return Math.min(LONGEST, Math.max(UNIT, UNIT * Math.floor(tokens / UNIT)));
  }

  /** Whether even a short piece would take longer. */
  isOver(milliseconds: number): boolean {
    if (this.#means === undefined) return milliseconds <= 0;
    const { itself, token } = this.#costs();
    return milliseconds < itself + UNIT * token;
  }

  /** Milliseconds of a piece by itself, and of each of its tokens: the line through the last ones, by least squares. */
  #costs(): { itself: number; token: number } {
    const { tokens, time, squares, products } = this.#means!;
    const spread = squares - tokens * tokens;
    const slope = (products - tokens * time) / spread;
    const itself = time - slope * tokens;
    // Pieces of nearly one length say nothing of what others would take, and neither does a line that falls.
    const known = spread > (tokens / 8) ** 2 && slope > 0 && itself > 0;
    return known ? { itself, token: slope } : { itself: 0, token: Math.max(time / tokens, LEAST) };
  }
}

function blended(before: number | undefined, now: number): number {
  return before === undefined ? now : before + WEIGHT * (now - before);
}
