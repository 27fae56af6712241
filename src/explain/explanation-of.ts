import type { Picture } from '../data/index.ts';
import type { Explanation } from './explain.ts';
import { type GridMap, listed, normalized, sumOf } from './grid.ts';

/** What relevance says of the parts of an answer. @param maps of each part, on one grid */
export function explanationOf(
  { width, height }: Picture,
  texts: readonly string[],
  logprobs: readonly number[],
  maps: readonly GridMap[],
): Explanation {
  const overall = normalized(sumOf(maps));
  return {
    method: 'relevance',
    answer: texts.join(''),
    picture: { width, height },
    grid: { rows: overall.rows, cols: overall.cols },
    overall: listed(overall),
    tokens: texts.map((text, k) => ({ text, logprob: logprobs[k]!, map: listed(normalized(maps[k]!)) })),
  };
}
