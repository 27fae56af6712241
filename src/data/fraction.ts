import { Random } from '../core/index.ts';

/** A part of what is labelled, chosen by a seed. */
export interface Fraction {
  /** 0 to 1. */
  readonly share: number;
  readonly seed: number;
}

/**
 * The part of `items` that is kept, in their order: the nearest whole number, at least one. A larger share of one seed holds the
 * smaller ones.
 */
export function chooseFraction<T>(items: readonly T[], { share, seed }: Fraction): T[] {
  const places = new Random(seed).fork('fraction').shuffle(items.map((_, i) => i));
  const chosen = new Set(places.slice(0, Math.max(1, Math.round(share * items.length))));
  return items.filter((_, i) => chosen.has(i));
}
