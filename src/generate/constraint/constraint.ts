import type { LogitsMask } from '../sampling.ts';

/** What the rest of one answer must look like. */
export interface Constraint extends LogitsMask {
  /** Goes on by a token that the mask allowed. @throws GenerationError when it was not allowed */
  accept(token: number): void;
  /** Whether the answer is complete and nothing but its end may follow. */
  readonly finished: boolean;
}

/** Makes a constraint for each answer. */
export interface ConstraintFactory {
  /** @param endTokens allowed only where the text is complete */
  start(endTokens: readonly number[]): Constraint;
}
