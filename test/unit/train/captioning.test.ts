import { afterAll, beforeAll, expect, it } from 'vitest';
import { hostTensor, type HostTensor, Random } from '../../../src/core/index.ts';
import { BlipForConditionalGeneration, parseBlipConfig } from '../../../src/models/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { CaptioningTraining } from '../../../src/train/objectives/captioning.ts';
import type { BatchSignature } from '../../../src/train/objective.ts';
import { adamW } from '../../../src/train/optimizers.ts';
import { TrainingStep } from '../../../src/train/step.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1, backend: 'c-api' });
});
afterAll(async () => {
  await runtime.dispose();
});

const TOWER = { hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2, intermediate_size: 24 };
const SIZES = {
  text_config: { ...TOWER, vocab_size: 11, max_position_embeddings: 9, bos_token_id: 9, sep_token_id: 3 },
  vision_config: { ...TOWER, image_size: 8, patch_size: 4 },
};
const [BATCH, LENGTH] = [4, 5];
const SIGNATURE: BatchSignature = {
  pixels: { dtype: 'float32', shape: [BATCH, 3, 8, 8] },
  caption_ids: { dtype: 'int64', shape: [BATCH, LENGTH] },
  caption_mask: { dtype: 'float32', shape: [BATCH, LENGTH] },
};

/** Start, one word that says which channel is bright, and the end; captions of two lengths. */
function batchOf(random: Random): Record<string, HostTensor> {
  const batch = Object.fromEntries(
    Object.entries(SIGNATURE).map(([name, { dtype, shape }]) => [name, hostTensor(dtype, shape)]),
  );
  for (let row = 0; row < BATCH; row++) {
    const shown = random.integer(3);
    for (let i = 0; i < 192; i++)
      batch['pixels']!.data[row * 192 + i] = 0.2 * random.normal() + (Math.floor(i / 64) === shown ? 1 : 0);
    const words = shown === 0 ? [9, 5, 3, 0, 0] : [9, 4, 5 + shown, 3, 0];
    words.forEach((word, i) => {
      (batch['caption_ids']!.data as BigInt64Array)[row * LENGTH + i] = BigInt(word);
      batch['caption_mask']!.data[row * LENGTH + i] = word === 0 ? 0 : 1;
    });
  }
  return batch;
}

it('a captioner learns to say what is seen', async () => {
  const trainable = new CaptioningTraining(new BlipForConditionalGeneration(parseBlipConfig(SIZES)));
  const weights = trainable.model.initialize(new Random(2));
  const step = await TrainingStep.create(runtime, trainable, SIGNATURE, weights, {
    optimizer: adamW(),
    weightDecay: 0,
    clip: 1,
  });
  const random = new Random(3);
  const losses: number[] = [];
  for (let i = 0; i < 120; i++)
    losses.push((await step.run([batchOf(random)], { step: i, seed: 1, learningRate: 1e-2 })).loss);
  step.dispose();
  // All words but the one that the picture decides could be learned without seeing: about ln(3) / 3 = 0.37 would be left.
  expect(losses.slice(-10).reduce((sum, loss) => sum + loss, 0) / 10).toBeLessThan(0.1);
});
