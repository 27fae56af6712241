/** Explanations beside what PyTorch makes of the papers' equations: see make/explanations.py. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../../src/auto/node/index.ts';
import { hostTensor, type HostTensor, joinRows } from '../../src/core/index.ts';
import { attentionGraph, DECODER, relevanceGraph } from '../../src/explain/graphs/decoder.ts';
import { blipMaps, rowOfStreams, streamRelevance } from '../../src/explain/graphs/streams.ts';
import { PAIR, pairGraph } from '../../src/explain/graphs/pair.ts';
import { featureGraph, pixelGraph, UPSTREAM } from '../../src/explain/graphs/picture.ts';
import { classActivation } from '../../src/explain/methods/gradients.ts';
import { compileFromFiles, type ModelWeights } from '../../src/generate/index.ts';
import { input, type Tensor, trace } from '../../src/graph/index.ts';
import { locateWeights, Weights } from '../../src/hub/node/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';
import {
  BlipForImageTextRetrieval,
  BlipForQuestionAnswering,
  blipNames,
  parseBlipConfig,
} from '../../src/models/index.ts';
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

function near(found: ArrayLike<number>, key: string): void {
  const right = expected.get(key)!.data as Float64Array;
  expect(found, key).toHaveLength(right.length);
  const difference = Math.hypot(...right.map((value, i) => value - found[i]!));
  expect(difference / Math.hypot(...right), key).toBeLessThan(TOLERANCE);
}

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

/** CLIP and SigLIP: see make/encoders.py. */
describe.each(['clip', 'siglip'])('%s', (name) => {
  it('has relevance as the equations do', async () => {
    const folder = fileURLToPath(new URL(`fixtures/encoders/${name}`, import.meta.url));
    const { architecture, weights } = await openModel(folder);
    if (architecture.kind !== 'pair') throw new Error(architecture.kind);
    const fixture = await readSafetensors(join(folder, 'expected.safetensors'));
    const [ids, keep] = [fixture.get('in/ids')!, fixture.get('in/keep')];
    const outputs = pairGraph(architecture.model, ids.shape as [number, number], keep !== undefined);
    const { relevance } = await once(outputs, weights, {
      [PAIR.pixels]: firstRow(fixture.get('in/pixels')!),
      [PAIR.ids]: ids,
      ...(keep === undefined ? {} : { [PAIR.keep]: keep }),
      [PAIR.seed]: hostTensor('float32', [1, 4], Float32Array.of(0, 1, 0, 0)),
    });
    near(relevance!.data, `relevance.${name}`);
  });
});

/** BLIP: see make/blip.py. */
describe('texts that attend to pictures', () => {
  const folder = (name: string): string => fileURLToPath(new URL(`fixtures/blip/${name}`, import.meta.url));

  async function relevanceOf(
    name: 'vqa' | 'itm',
    seedOf: (shape: readonly number[]) => HostTensor<'float32'>,
    row: number,
  ): Promise<Record<string, HostTensor<'float32'>>> {
    const config = parseBlipConfig(JSON.parse(readFileSync(join(folder(name), 'config.json'), 'utf8')));
    const model = name === 'vqa' ? new BlipForQuestionAnswering(config) : new BlipForImageTextRetrieval(config);
    const files = await Weights.open(folder(name));
    const weights = locateWeights(files, model.parameters(), blipNames);
    await files.close();
    const fixture = await readSafetensors(join(folder(name), 'expected.safetensors'));
    const names = name === 'vqa' ? ['pixels', 'question', 'ids'] : ['pixels', 'ids'];
    const given = Object.fromEntries(names.map((key) => [key, firstRow(fixture.get(key)!)]));
    const inputs = Object.fromEntries(
      Object.entries(given).map(([key, { dtype, shape }]) => [key, input(key, dtype, shape)]),
    ) as Record<string, Tensor>;
    const { pixels, question, ids } = inputs;
    const { result, taps } = trace(() =>
      model instanceof BlipForQuestionAnswering
        ? model.forward(pixels!, question!, ids!)
        : model.forward(pixels!, ids!),
    );
    const seed = seedOf(result.shape as number[]);
    const relevance = streamRelevance(result, input('seed', 'float32', seed.shape), blipMaps(taps));
    const outputs = rowOfStreams(relevance, input('row', 'int64', [1]));
    return once(outputs, weights, { ...given, seed, row: integers([1], [row]) });
  }

  it('owe to them what the equations say, through a question and by themselves', async () => {
    for (const t of [1, 3]) {
      const oneHot = (shape: readonly number[]): HostTensor<'float32'> => {
        const seed = hostTensor('float32', shape);
        seed.data[t * shape[2]! + Number(expected.get(`target.vqa.${t}`)!.data[0])] = 1;
        return seed;
      };
      const { within, across } = await relevanceOf('vqa', oneHot, t);
      near(within!.data, `within.vqa.${t}`);
      near(across!.data, `across.vqa.${t}`);
    }
    const yes = (shape: readonly number[]): HostTensor<'float32'> =>
      hostTensor('float32', shape, Float32Array.of(0, 1));
    const { within, across } = await relevanceOf('itm', yes, 0);
    near(within!.data, 'within.itm');
    near(across!.data, 'across.itm');
  }, 120_000);
});

function firstRow({ dtype, shape, data }: HostTensor): HostTensor {
  const [rows, ...rest] = shape as readonly [number, ...number[]];
  return hostTensor(dtype, [1, ...rest], data.subarray(0, data.length / rows) as never);
}
