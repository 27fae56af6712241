/** Beam search beside Transformers: the same sequences with the same scores. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type BeamOptions, beamSearch, Decoding, generate } from '../../src/generate/index.ts';
import { locateWeights, Weights } from '../../src/hub/node/index.ts';
import { decoderNames, Llama, parseLlamaConfig } from '../../src/models/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';

const FOLDER = fileURLToPath(new URL('fixtures/decoders/llama', import.meta.url));
const json = (name: string): unknown => JSON.parse(readFileSync(join(FOLDER, name), 'utf8'));
/** Sums of up to 20 log-probabilities, each of float32 logits that differ by about 1e-6. */
const TOLERANCE = 1e-4;

interface Fixture {
  readonly prompts: readonly (readonly number[])[];
  readonly cases: readonly {
    readonly options: BeamOptions;
    readonly results: readonly (readonly { readonly tokens: readonly number[]; readonly score: number }[])[];
  }[];
}
const { prompts, cases } = json('beams.json') as Fixture;

let runtime: Runtime;
let decoding: Decoding;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  const model = new Llama(parseLlamaConfig(json('config.json')));
  const weights = await Weights.open(FOLDER);
  decoding = await Decoding.create(runtime, model, locateWeights(weights, model.parameters(), decoderNames(true)));
  await weights.close();
});
afterAll(async () => {
  decoding.dispose();
  await runtime.dispose();
});

it.each(cases)('$options', async ({ options, results }) => {
  for (const [i, prompt] of prompts.entries()) {
    const answers = await beamSearch(decoding, prompt, options);
    expect(answers.map(({ tokens }) => tokens)).toEqual(results[i]!.map(({ tokens }) => tokens));
    answers.forEach(({ score }, n) => expect(Math.abs(score - results[i]![n]!.score)).toBeLessThan(TOLERANCE));
  }
});

it('finds answers at least as likely as the greedy one', async () => {
  for (const prompt of prompts) {
    let greedy = 0;
    for await (const { logProbability } of generate(decoding, [prompt], { maxNewTokens: 8, logProbabilities: true }))
      greedy += logProbability!;
    const [best] = await beamSearch(decoding, prompt, { numBeams: 8, maxNewTokens: 8, lengthPenalty: 0 });
    expect(best!.score).toBeGreaterThanOrEqual(greedy - TOLERANCE);
    expect(best!.logProbabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(best!.score, 4);
  }
});

it.each<[Partial<BeamOptions>]>([
  [{ numBeams: 1 }],
  [{ numBeams: 2, answers: 3 }],
  [{ maxNewTokens: 0 }],
  [{ maxNewTokens: 999 }],
  [{ lengthPenalty: Number.NaN }],
  [{ repetitionPenalty: 0 }],
])('refuses %j', async (wrong) => {
  await expect(beamSearch(decoding, [5], { numBeams: 4, ...wrong })).rejects.toMatchObject({ code: 'generation' });
});
