/** What sampling leaves of a distribution, beside Transformers' processors. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { Sampler, type SamplingOptions } from '../../src/generate/index.ts';
import { shortlist } from '../../src/generate/shortlist.ts';

interface Case {
  readonly options: SamplingOptions & { readonly temperature: number };
  readonly logits: readonly number[];
  readonly seen: readonly number[];
  readonly tokens: readonly number[];
  readonly probabilities: readonly number[];
}
const file = new URL('fixtures/sampling.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as readonly Case[];

it.each(cases)('$options', ({ options, logits, seen, tokens, probabilities }) => {
  let penalized = new Float32Array(logits.length);
  // A mask sees the logits after the penalties.
  new Sampler(options, seen).next(Float32Array.from(logits), { mask: (left) => (penalized = left.slice()) });
  const { tokens: kept, weights, count } = shortlist(penalized, options.temperature, options);
  expect(Array.from(kept.subarray(0, count))).toEqual(tokens);
  const total = weights.subarray(0, count).reduce((sum, weight) => sum + weight, 0);
  probabilities.forEach((probability, i) => expect(weights[i]! / total).toBeCloseTo(probability, 5));
});
