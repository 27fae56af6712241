import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createFusionModel } from '../../../../src/auto/index.ts';
import { simpleMultimodalModel } from '../../../../src/auto/node/index.ts';
import { hostTensor } from '../../../../src/core/index.ts';
import { picture, trainTokenizer } from '../../../../src/data/index.ts';
import { input } from '../../../../src/graph/index.ts';
import { readSafetensors } from '../../../../src/hub/node/index.ts';
import { createRuntime } from '../../../../src/runtime/node/index.ts';
import { adamW, FusionTraining, ModelOptimizer } from '../../../../src/train/index.ts';
import { writePairFolder } from '../../../pair-folder.ts';
import { evaluate } from '../../evaluate.ts';

const twin = (name: string): string =>
  fileURLToPath(new URL(`../../../parity/fixtures/encoders/${name}`, import.meta.url));

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'fusion-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function bertFolder(): Promise<string> {
  const folder = await mkdtemp(join(scratch, 'bert-'));
  await cp(twin('bert'), folder, { recursive: true });
  await writeFile(join(folder, 'tokenizer.json'), trainTokenizer(['a cat a dog'], { vocabSize: 40 }).serialize());
  return folder;
}

it.each(['clip', 'siglip'] as const)('joins %s and BERT, with the weights of both, and trains', async (kind) => {
  const vision = await writePairFolder(await mkdtemp(join(scratch, 'vision-')), kind);
  const text = await bertFolder();
  const { model, weights, pictures, tokenizer, config } = await simpleMultimodalModel(vision, text, {
    hiddenSize: 24,
    heads: 4,
    seed: 1,
  });
  expect([config.hiddenSize, config.classes, config.query]).toEqual([24, 2, 'text']);
  const files = await readSafetensors(join(vision, 'model.safetensors'));
  expect(weights['vision_encoder.encoder.layers.0.mlp.fc1.weight']).toEqual(
    files.get('vision_model.encoder.layers.0.mlp.fc1.weight'),
  );
  const words = await readSafetensors(join(text, 'model.safetensors'));
  const name = 'embeddings.word_embeddings.weight';
  expect(weights[`text_encoder.${name}`]).toEqual(words.get(name) ?? words.get(`bert.${name}`));

  const colours = [0, 255].map((level) => picture(16, 16, 3, new Uint8Array(768).fill(level)));
  const pixels = pictures.batch(colours);
  const { ids, mask } = tokenizer.encodeBatch(['a cat', 'a dog'], { length: 6, side: 'right' });
  const runtime = await createRuntime({ threads: 1 });
  const named = createFusionModel(config);
  named.parameters();
  const graph = named.forward(
    input('pixels', 'float32', pixels.shape),
    input('ids', 'int64', ids.shape),
    input('mask', 'float32', mask.shape),
  );
  const { logits } = await evaluate(runtime, { logits: graph }, { ...weights, pixels, ids, mask });
  expect(logits!.shape).toEqual([2, 2]);

  const trainable = new FusionTraining(model, { classification: 1, contrastive: 0, form: 'clip' });
  const live = {
    runtime,
    trainable,
    weights: Object.fromEntries(Object.entries(weights).map(([path, tensor]) => [`network.${path}`, tensor])),
  };
  const optimizer = new ModelOptimizer(adamW(), { learningRate: 3e-3 });
  const batch = { pixels, ids, mask, label: hostTensor('int64', [2], BigInt64Array.of(0n, 1n)) };
  const first = await optimizer.update(live, batch);
  for (let step = 0; step < 30; step++) await optimizer.update(live, batch);
  expect(await optimizer.update(live, batch)).toBeLessThan(first / 4);
  optimizer.dispose();
  await runtime.dispose();
});

it('says what cannot be an encoder', async () => {
  const text = await bertFolder();
  await expect(simpleMultimodalModel(text, text)).rejects.toThrow("'bert' is no encoder of pictures");
});
