// T tokens, K tokens of the answer, N heads
import type { HostTensor } from '../../core/index.ts';
import type { Exchange } from '../exchange.ts';
import { type GridMap, onGrid } from '../grid.ts';
import { noMaps } from '../opened-model.ts';
import type { Method } from './types.ts';

/**
 * Where the last layer looked before each token was chosen: the head that was taught to look, where the model has one, and the mean
 * over heads otherwise. Attention tells where values were taken from and not what they were good for.
 */
export const attention: Method = async (exchange, chosen) => {
  const { maps } = await exchange.looks(await exchange.features());
  const last = maps.at(-1);
  if (last === undefined) throw noMaps(exchange.opened.language.name);
  const head = exchange.opened.model.lookingHead;
  return chosen.map((k) => laidOut(exchange, rowOf(last, k, head === undefined ? undefined : [head])));
};

/**
 * Where the last layer looked, as far as what is there speaks for the token: attention times the root of how likely the features
 * there stand for it, read as the decoder's own states are (the logit lens, on the picture's tokens: Neo et al. 2024, arXiv
 * 2410.07149). Attention finds the thing, and the words of its features tell it from its neighbours. In models whose features
 * were taught no words it is attention alone.
 */
export const looking: Method = async (exchange, chosen) => {
  const features = await exchange.features();
  const { maps } = await exchange.looks(features);
  const last = maps.at(-1);
  if (last === undefined) throw noMaps(exchange.opened.language.name);
  const head = exchange.opened.model.lookingHead;
  const words = await exchange.words(features);
  const { places, regions } = exchange;
  return chosen.map((k) => {
    const row = rowOf(last, k, head === undefined ? undefined : [head]);
    const said = places.map((_, f) => words?.data[f * words.shape[1]! + k] ?? 0);
    const most = Math.max(...said);
    const weights = places.map((place, f) => row[place]! * Math.exp((said[f]! - most) / 2));
    return onGrid(regions, weights);
  });
};

/** Attention through all layers at once (Abnar and Zuidema 2020, arXiv 2005.00928), heads and residual paths counting alike. */
export const rollout: Method = async (exchange, chosen) => {
  const { rollout: rows, maps } = await exchange.looks(await exchange.features());
  if (maps.length === 0) throw noMaps(exchange.opened.language.name);
  const length = rows.shape[1]!;
  return chosen.map((k) => laidOut(exchange, rows.data.subarray(k * length, (k + 1) * length)));
};

/** Mean of a token's attention over heads. @param map [N, K, T]  @param heads all unless told  @returns [T] */
export function rowOf({ shape, data }: HostTensor<'float32'>, k: number, heads?: readonly number[]): Float64Array {
  const [count, tokens, length] = shape as readonly [number, number, number];
  const row = new Float64Array(length);
  const chosen = heads ?? Array.from({ length: count }, (_, head) => head);
  for (const head of chosen) {
    const from = (head * tokens + k) * length;
    for (let i = 0; i < length; i++) row[i]! += data[from + i]! / chosen.length;
  }
  return row;
}

/** What is said of all tokens, of the picture's alone, on its cells. @param row [T] */
export function laidOut({ places, regions }: Exchange, row: ArrayLike<number>): GridMap {
  return onGrid(
    regions,
    places.map((place) => row[place]!),
  );
}
