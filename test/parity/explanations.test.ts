/** Explanations beside what PyTorch makes of the papers' equations: see make/explanations.py. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor, type HostTensor, joinRows } from '../../src/core/index.ts';
import { attentionGraph, DECODER, relevanceGraph } from '../../src/explain/graphs/decoder.ts';
import { featureGraph, pixelGraph, UPSTREAM } from '../../src/explain/graphs/picture.ts';
import { classActivation } from '../../src/explain/methods/gradients.ts';
import { compileFromFiles, type ModelWeights } from '../../src/generate/index.ts';
import type { Tensor } from '../../src/graph/index.ts';
import { locateWeights, Weights } from '../../src/hub/node/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import { runOnce } from '../../src/runtime/run-once.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import { integers } from '../unit/evaluate.ts';
import { caseOf, Fixture, folderOf, type Tensors } from './multimodal-fixture.ts';

/** Largest ‖x − x̂‖ / ‖x̂‖, float32 beside float64. */
const TOLERANCE = 1e-4;

let runtime: Runtime;
let expected: Tensors;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  expected = await readSafetensors(fileURLToPath(new URL('fixtures/explanations.safetensors', import.meta.url)));
});
afterAll(() => runtime.dispose());

async function once(
  outputs: Readonly<Record<string, Tensor>>,
  weights: ModelWeights,
  tensors: Readonly<Record<string, HostTensor>>,
): Promise<Record<string, HostTensor<'float32'>>> {
  const program = await compileFromFiles(runtime, outputs, weights, { exact: true });
  try {
    return (await runOnce(runtime, program, tensors)) as Record<string, HostTensor<'float32'>>;
  } finally {
    program.dispose();
  }
}

describe.each(['smolvlm', 'llava', 'idefics3'])('%s', (name) => {
  it('has relevance, rollout, Grad-CAM and gradients as the equations do', async () => {
    const { model, rules } = caseOf(name);
    const fixture = await Fixture.load(name);
    const files = await Weights.open(folderOf(name));
    const weights = locateWeights(files, model.parameters(), rules);
    await files.close();
    const ids = fixture.numbers('ids.0');
    const pictures = fixture.numbers('pictures.0').map((k) => fixture.picture(k).inputs);
    const pixels = joinRows(pictures.map((inputs) => inputs['pixel_values'] as HostTensor<'float32'>));
    const { features } = await once(featureGraph(model, { pixel_values: pixels }), weights, { pixel_values: pixels });
    const sizes = { length: ids.length, features: features!.shape[0]! };
    let row = ids.length;
    const places = ids.map((id, t) => (id === model.imageToken ? row++ : t));
    const given = {
      [DECODER.ids]: integers([1, ids.length], ids),
      [DECODER.places]: integers([1, ids.length], places),
      [DECODER.features]: features!,
    };
    const near = (found: ArrayLike<number>, key: string): void => {
      const right = expected.get(key)!.data as Float64Array;
      expect(found, key).toHaveLength(right.length);
      const difference = Math.hypot(...right.map((value, i) => value - found[i]!));
      expect(difference / Math.hypot(...right), key).toBeLessThan(TOLERANCE);
    };

    for (const t of [ids.length - 1, ids.length - 3]) {
      const of = `${name}.${t}`;
      const rows = { [DECODER.rows]: integers([1], [t]) };
      const { rollout } = await once(attentionGraph(model, sizes), weights, { ...given, ...rows });
      near(rollout!.data, `rollout.${of}`);

      const seed = hostTensor('float32', [1, model.generation.vocabularySize]);
      seed.data[Number(expected.get(`target.${of}`)!.data[0])] = 1;
      const asked = { ...given, ...rows, [DECODER.seed]: seed };
      const { relevance, gradient } = await once(relevanceGraph(model, sizes), weights, asked);
      near(relevance!.data, `relevance.${of}`);
      near(classActivation(features!, gradient!), `cam.${of}`);

      const upstream = { pixel_values: pixels, [UPSTREAM]: gradient! };
      const found = await once(pixelGraph(model, { pixel_values: pixels }), weights, upstream);
      near(found['gradient']!.data, `pixels.${of}`);
    }
  }, 120_000);
});
