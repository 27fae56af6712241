import { Cover } from './covering.ts';
import type { Exchange } from './exchange.ts';
import type { GridMap } from './grid.ts';

/** How likely an answer is while more and more of the picture is covered, or shown. */
export interface FaithfulnessCurve {
  /** Parts of the picture that are covered, or shown: from 0 to 1. */
  readonly share: readonly number[];
  /** Of the answer's tokens, their geometric mean. */
  readonly probability: readonly number[];
  /** Area under the curve, 0 to 1. */
  readonly area: number;
}

/**
 * Whether a map tells what the model used (Petsiuk et al. 2018, arXiv 1806.07421): what it says matters most is covered first, then more
 * (`deletion`: the faster the answer becomes unlikely, the better the map, so that a small area is good), or shown first on a
 * covered picture (`insertion`: a large area is good).
 */
export interface Faithfulness {
  readonly deletion: FaithfulnessCurve;
  readonly insertion: FaithfulnessCurve;
}

/** Most points of a curve. */
const STEPS = 24;

/** @param chosen which tokens of the answer the map explains */
export async function faithfulness(exchange: Exchange, map: GridMap, chosen: readonly number[]): Promise<Faithfulness> {
  const count = map.values.length;
  const order = [...map.values.keys()].sort((a, b) => map.values[b]! - map.values[a]! || a - b);
  const rank = new Uint32Array(count);
  order.forEach((cell, place) => (rank[cell] = place));
  const cover = new Cover(exchange.picture, map);
  const steps = Math.min(count, STEPS);
  const share = Array.from({ length: steps + 1 }, (_, step) => Math.round((step * count) / steps) / count);
  const curve = async (isCovered: (cell: number, part: number) => boolean): Promise<FaithfulnessCurve> => {
    const probability: number[] = [];
    for (const part of share) {
      const covered = cover.over((cell) => isCovered(cell, part * count));
      const scores = await exchange.scores(await exchange.features(exchange.prepared(covered)));
      probability.push(Math.exp(chosen.reduce((sum, k) => sum + scores[k]!, 0) / Math.max(1, chosen.length)));
    }
    return { share, probability, area: areaUnder(share, probability) };
  };
  return {
    deletion: await curve((cell, shown) => rank[cell]! < shown - 0.5),
    insertion: await curve((cell, shown) => rank[cell]! >= shown - 0.5),
  };
}

/** By the trapezium rule. */
function areaUnder(x: readonly number[], y: readonly number[]): number {
  let area = 0;
  for (let i = 1; i < x.length; i++) area += ((x[i]! - x[i - 1]!) * (y[i]! + y[i - 1]!)) / 2;
  return area;
}
