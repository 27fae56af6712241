/** Training of the starter's architecture beside the same written out in PyTorch: see make/sensorium_vl.py. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gradients } from '../../src/autodiff/index.ts';
import type { HostTensor } from '../../src/core/index.ts';
import { input, type Tensor } from '../../src/graph/index.ts';
import { readSafetensors } from '../../src/hub/node/safetensors-file.ts';
import { SensoriumVL } from '../../src/models/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import { ImageTextTraining } from '../../src/train/index.ts';
import { distance, evaluate, numbers, TOLERANCE } from './check-gradients.ts';
import { caseOf, folderOf, type Tensors, weightsOf } from './multimodal-fixture.ts';

const FOLDER = folderOf('sensorium_vl');
/** As in the script. */
const WEIGHTS = { language: 0.7, looking: 0.2, regions: 0.5, words: 0.6, contrastive: 0.3, shown: 0.4, concepts: 5 };

/** What the fixture holds under a heading, by name. */
function section(tensors: Tensors, heading: 'in' | 'out' | 'grad'): Record<string, HostTensor> {
  return Object.fromEntries(
    [...tensors].flatMap(([key, tensor]) =>
      key.startsWith(`${heading}/`) ? [[key.slice(heading.length + 1), tensor]] : [],
    ),
  );
}

let runtime: Runtime;
let fixture: Tensors;
let weights: Record<string, HostTensor>;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  fixture = await readSafetensors(join(FOLDER, 'training.safetensors'));
  const own = weightsOf(caseOf('sensorium_vl'), await readSafetensors(join(FOLDER, 'model.safetensors')));
  weights = Object.fromEntries(Object.entries(own).map(([path, tensor]) => [`network.${path}`, tensor]));
});
afterAll(async () => {
  await runtime.dispose();
});

/** A training of the twin with inputs for all that the batch holds. */
function open(parts: Partial<typeof WEIGHTS> = {}): {
  network: SensoriumVL;
  training: ImageTextTraining;
  batch: Record<string, Tensor>;
  given: Record<string, HostTensor>;
} {
  const network = caseOf('sensorium_vl').model;
  if (!(network instanceof SensoriumVL)) throw new Error('the twin is another model');
  // A new tree, since the weights of this one know their paths already, without the objective around them.
  const training = new ImageTextTraining(new SensoriumVL(network.config), { ...WEIGHTS, ...parts });
  const given = section(fixture, 'in');
  const batch = Object.fromEntries(
    Object.entries(given)
      .filter(([name]) => !name.startsWith('concepts.'))
      .map(([name, { dtype, shape }]) => [name, input(name, dtype, shape)]),
  );
  return { network: training.network as SensoriumVL, training, batch, given: { ...given, ...weights } };
}

describe('training of sensorium_vl against PyTorch in float64', () => {
  it('gives all parts of the loss on packed rows, and the gradients of all weights', async () => {
    const { network, training, batch, given } = open();
    const parameters = training.parameters();
    const { loss, figures } = training.loss(batch);
    const patches = network.patches(batch['pixel_values']!);
    const all = {
      ...figures,
      loss,
      features: network.featuresOf(patches),
      pictures: network.pictureVectors(patches),
      texts: network.textVectors(batch['caption_ids']!, batch['caption_ends']!),
    };
    const slopes = gradients(
      loss,
      [...parameters.values()].map(({ tensor }) => tensor),
    );
    const results = await evaluate(
      runtime,
      {
        ...Object.fromEntries(Object.entries(all).map(([name, tensor]) => [`out.${name}`, tensor])),
        ...Object.fromEntries([...parameters.keys()].map((path, i) => [`slope.${path}`, slopes[i]!])),
      },
      given,
    );
    let far = 0;
    const compare = (name: string, right: HostTensor, scale?: number): void => {
      const value = distance(results[name]!, right, scale);
      far = Math.max(far, value);
      expect(value, name).toBeLessThan(TOLERANCE);
    };
    const outputs = section(fixture, 'out');
    expect(Object.keys(outputs).sort()).toEqual(Object.keys(all).sort());
    for (const [name, right] of Object.entries(outputs)) compare(`out.${name}`, right);
    const slopesOf = section(fixture, 'grad');
    expect(Object.keys(slopesOf).sort()).toEqual([...parameters.keys()].sort());
    // Beside the largest one, where PyTorch's is nothing but rounding: a bias of keys changes all scores of a query alike.
    const largest = Math.max(...Object.values(slopesOf).map((slope) => Math.hypot(...numbers(slope))));
    for (const [path, right] of Object.entries(slopesOf)) compare(`slope.${path}`, right, largest);
    if (process.env['PARITY_FIGURES'] !== undefined) process.stdout.write(`training: ${far.toExponential(1)}\n`);
  });

  it('gives each part by itself', async () => {
    for (const part of ['language', 'looking', 'regions', 'words', 'contrastive', 'shown'] as const) {
      const { training, batch, given } = open({
        language: 0,
        looking: 0,
        regions: 0,
        words: 0,
        contrastive: 0,
        shown: 0,
        [part]: 1,
      });
      training.parameters();
      const { loss, figures } = training.loss(batch);
      const results = await evaluate(runtime, { loss }, given);
      expect(distance(results['loss']!, section(fixture, 'out')[part]!), part).toBeLessThan(TOLERANCE);
      const { accuracy: _, regionAccuracy: __, wordAccuracy: ___, lookedAt: ____, ...parts } = figures;
      expect(Object.keys(parts)).toEqual([part]);
    }
  });
});
