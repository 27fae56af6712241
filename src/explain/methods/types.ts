import type { Exchange } from '../exchange.ts';
import type { GridMap } from '../grid.ts';

/**
 * A way to tell what the tokens of an answer owe to the parts of a picture.
 * @param chosen which tokens of the answer
 * @returns a map for each of them, of one grid. Weights of different tokens can be compared; they add up to anything.
 */
export type Method = (exchange: Exchange, chosen: readonly number[]) => Promise<GridMap[]>;
