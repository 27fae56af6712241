/** What adapters change in a model that sees and compares: features, vectors, and what was kept of them. */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openModel, type OpenModel } from '../../../src/auto/node/open-model.ts';
import { VectorSpace } from '../../../src/auto/vector-space.ts';
import { hostTensor, Random } from '../../../src/core/index.ts';
import { type CheckpointTokenizer, picture, type Picture } from '../../../src/data/index.ts';
import { AdaptableProgram, type LayerChanges, PictureEncoder } from '../../../src/generate/index.ts';
import { type ImageTextProcessor, type PreparedPicture, SensoriumVL, stemPatches } from '../../../src/models/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import { runOnce } from '../../../src/runtime/run-once.ts';
import type { Runtime } from '../../../src/runtime/types.ts';

const FOLDER = fileURLToPath(new URL('../../parity/fixtures/multimodal/sensorium_vl', import.meta.url));

let runtime: Runtime;
let scratch: string;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  scratch = await mkdtemp(join(tmpdir(), 'adapted-'));
});
afterAll(async () => {
  await runtime.dispose();
  await rm(scratch, { recursive: true });
});

function modelOf({ architecture }: OpenModel): SensoriumVL {
  if (architecture.kind !== 'generating' || !(architecture.model instanceof SensoriumVL)) throw new Error('not it');
  architecture.model.parameters();
  return architecture.model;
}

/** Rows of features of one picture. */
function featuresOf({ config: { vision, scale } }: SensoriumVL): number {
  return (stemPatches(vision) / scale) ** 2;
}

const random = new Random(3);
const noise = (shape: readonly number[], scale = 1): ReturnType<typeof hostTensor<'float32'>> =>
  hostTensor(
    'float32',
    shape,
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.uniform(-scale, scale)),
  );

/** A change of rank 1 to a layer that is `inputs` wide and gives `outputs`. */
function changed(path: string, outputs: number, inputs: number): LayerChanges {
  return new Map([[path, { a: noise([1, inputs]), b: noise([outputs, 1]) }]]);
}

function preparedOf(side: number, features: number): PreparedPicture {
  return { inputs: { pixel_values: noise([1, 3, side, side]) }, features, imageSize: [side, side] };
}

describe('an adaptable program', () => {
  it('keeps program and values of before when an exchange fails', async () => {
    const opened = await openModel(FOLDER);
    const model = modelOf(opened);
    const { width } = model.config.vision;
    let failing = false;
    // An engine that has no room for an adapter's values.
    const tight = new Proxy(runtime, {
      get(target, key) {
        if (key === 'allocate' && failing) return () => Promise.reject(new Error('no room'));
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const program = await AdaptableProgram.create({
      runtime: tight,
      model,
      weights: opened.weights,
      outputs: () => ({ features: model.pictureFeatures(model.pictureInputs()) }),
    });
    const { inputs } = preparedOf(model.config.vision.imageSize, 1);
    const features = async (): Promise<unknown> => {
      const lease = program.lease();
      try {
        return (await runOnce(runtime, lease.program, inputs, lease.values))['features'];
      } finally {
        lease.end();
      }
    };
    const before = await features();
    const change = changed('vision_model.encoder.layers.0.mlp.fc2', width, model.config.vision.hidden);
    failing = true;
    await expect(program.adapt(change)).rejects.toThrow('no room');
    expect(await features()).toEqual(before);
    failing = false;
    await program.adapt(change);
    expect(await features()).not.toEqual(before);
    program.dispose();
  });
});

describe('a picture encoder', () => {
  it('calls a picture that is seen with another adapter another one', async () => {
    const opened = await openModel(FOLDER);
    const model = modelOf(opened);
    const { imageSize, width, hidden } = model.config.vision;
    const encoder = await PictureEncoder.create(runtime, model, opened.weights);
    const seen = preparedOf(imageSize, featuresOf(model));
    const before = await encoder.encode(seen);
    expect((await encoder.encode(seen)).key).toBe(before.key);
    await encoder.adapt(changed('vision_model.encoder.layers.0.mlp.fc2', width, hidden));
    const after = await encoder.encode(seen);
    expect(after.features).not.toEqual(before.features);
    expect(after.key).not.toBe(before.key);
    encoder.dispose();
  });
});

describe('a space of pictures and texts', () => {
  const pictures: Picture[] = [picture(8, 8, 3, new Uint8Array(192).fill(7))];

  async function spaceOf(folder: string): Promise<{ space: VectorSpace; model: SensoriumVL }> {
    const opened = await openModel(folder);
    const model = modelOf(opened);
    const pixels = noise([1, 3, model.config.vision.imageSize, model.config.vision.imageSize]);
    const tokenizer = {
      encode: (text: string, { maxLength = Infinity }) => [...text].slice(0, maxLength).map((_, i) => 5 + (i % 9)),
      decode: () => '<image>',
    };
    const processor = {
      prepare: (_: string, all: readonly Picture[]) => ({
        tokens: [],
        pictures: all.map(() => ({ inputs: { pixel_values: pixels }, features: featuresOf(model) })),
      }),
    };
    const parts = [tokenizer as unknown as CheckpointTokenizer, processor as unknown as ImageTextProcessor] as const;
    return { space: new VectorSpace(runtime, model, opened.weights, ...parts), model };
  }

  it('follows adapters, whether a side was asked before or not', async () => {
    const { space, model } = await spaceOf(FOLDER);
    const { projection, vision, text } = model.config;
    const before = await space.ofPictures(pictures);
    await space.adapt(
      new Map([
        ...changed('vision_projection', projection, vision.width),
        ...changed('text_projection', projection, text.width),
      ]),
    );
    expect(await space.ofPictures(pictures)).not.toEqual(before);
    const texts = await space.ofTexts(['abc']);
    await space.adapt(new Map());
    expect(await space.ofPictures(pictures)).toEqual(before);
    expect(await space.ofTexts(['abc'])).not.toEqual(texts);
    space.dispose();
  });

  it('reads no more of a text than the model was made for', async () => {
    const folder = await mkdtemp(join(scratch, 'short-'));
    const config = JSON.parse(await readFile(join(FOLDER, 'config.json'), 'utf8')) as {
      text_config: Record<string, unknown>;
    };
    config.text_config['max_position_embeddings'] = 12;
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    await copyFile(join(FOLDER, 'model.safetensors'), join(folder, 'model.safetensors'));
    const { space } = await spaceOf(folder);
    const long = 'x'.repeat(100);
    const [rows] = (await space.ofTexts([long, 'x'.repeat(11)])).shape;
    expect(rows).toBe(2);
    const { data } = await space.ofTexts([long, 'x'.repeat(11)]);
    expect(data.slice(0, data.length / 2)).toEqual(data.slice(data.length / 2));
    space.dispose();
  });
});
