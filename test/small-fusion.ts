// A fusion model small enough for every device, and batches for it; runs in Node and in a page.
import { hostTensor, type HostTensor, Random } from '../src/core/index.ts';
import { SimpleMultimodalModel } from '../src/models/fusion/model.ts';
import type { VisionConfig } from '../src/models/common/vision.ts';
import type { Runtime } from '../src/runtime/types.ts';
import { FusionTraining } from '../src/train/objectives/fusion.ts';
import type { BatchSignature } from '../src/train/objective.ts';
import { adamW } from '../src/train/optimizers.ts';
import { type StepOptions, TrainingStep } from '../src/train/step.ts';

const SIZES = { width: 16, layers: 1, heads: 2, hidden: 24, dropout: 0.1 };
const TEXT = { vocabularySize: 12, maxLength: 6, ...SIZES };
const BATCH = 4;
const LENGTH = 5;
const CONCEPTS = 3;

export const VISIONS: Readonly<Record<'vit' | 'convnet', VisionConfig>> = {
  vit: { kind: 'vit', imageSize: 8, patchSize: 4, classToken: true, ...SIZES },
  convnet: { kind: 'convnet', imageSize: 8, channels: [8, 16], blocks: [1, 1], stem: 2 },
};

export const SIGNATURE: BatchSignature = {
  pixels: { dtype: 'float32', shape: [BATCH, 3, 8, 8] },
  ids: { dtype: 'int64', shape: [BATCH, LENGTH] },
  mask: { dtype: 'float32', shape: [BATCH, LENGTH] },
  label: { dtype: 'int64', shape: [BATCH] },
  description_ids: { dtype: 'int64', shape: [BATCH, LENGTH] },
  description_mask: { dtype: 'float32', shape: [BATCH, LENGTH] },
  concept: { dtype: 'int64', shape: [BATCH] },
};

export function smallFusion(vision: 'vit' | 'convnet' = 'vit', form: 'clip' | 'siglip' = 'clip'): FusionTraining {
  const model = new SimpleMultimodalModel({
    vision: VISIONS[vision],
    text: TEXT,
    hiddenSize: 16,
    heads: 2,
    classes: 3,
    query: 'text',
    layers: 2,
    alignmentSize: 8,
  });
  const prototypes = form === 'siglip' ? { prototypes: 0.5, concepts: CONCEPTS } : {};
  return new FusionTraining(model, { classification: 1, contrastive: 0.5, form, ...prototypes });
}

/** A batch whose labels can be learned from its pictures and texts. */
export function smallBatch(random: Random): Record<string, HostTensor> {
  const batch: Record<string, HostTensor> = {};
  for (const [name, { dtype, shape }] of Object.entries(SIGNATURE)) batch[name] = hostTensor(dtype, shape);
  const { pixels, ids, mask, label, description_ids, description_mask, concept } = batch;
  for (let row = 0; row < BATCH; row++) {
    const shown = random.integer(3);
    const asked = random.integer(3);
    for (let i = 0; i < 192; i++)
      pixels!.data[row * 192 + i] = random.normal() * 0.5 + (Math.floor(i / 64) === shown ? 1 : 0);
    for (let i = 0; i < LENGTH; i++) {
      const real = i < 3 + (row % 3);
      (ids!.data as BigInt64Array)[row * LENGTH + i] = BigInt(real ? 1 + asked + 3 * (i % 2) : 0);
      (description_ids!.data as BigInt64Array)[row * LENGTH + i] = BigInt(real ? 7 + shown : 0);
      mask!.data[row * LENGTH + i] = description_mask!.data[row * LENGTH + i] = real ? 1 : 0;
    }
    (label!.data as BigInt64Array)[row] = BigInt(shown === asked ? 1 : 0);
    (concept!.data as BigInt64Array)[row] = BigInt(shown);
  }
  return batch;
}

/** Everything that a run of `steps` shows: its losses and, at the end, its weights. */
export async function trainSmall(
  runtime: Runtime,
  steps: number,
  options: Partial<StepOptions> & { vision?: 'vit' | 'convnet'; form?: 'clip' | 'siglip' } = {},
): Promise<{ losses: number[]; weights: Record<string, HostTensor> }> {
  const { vision, form, ...rest } = options;
  const trainable = smallFusion(vision, form);
  const weights = trainable.model.initialize(new Random(6));
  const step = await TrainingStep.create(runtime, trainable, SIGNATURE, weights, {
    optimizer: adamW(),
    weightDecay: 0.05,
    clip: 1,
    ...rest,
  });
  const random = new Random(8);
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const batches = Array.from({ length: rest.accumulate ?? 1 }, () => smallBatch(random));
    const { loss } = await step.run(batches, { step: i, seed: 3, learningRate: 3e-3 });
    losses.push(loss);
  }
  const result = { losses, weights: await step.readWeights() };
  step.dispose();
  return result;
}
