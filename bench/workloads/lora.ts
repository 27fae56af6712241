// T tokens, F rows of features of the picture, N tokens that count, V vocabulary
/** What both sides of `bench lora` train: adapters on the decoder of SmolVLM-256M's shape, on one text with one picture. */
import { hostTensor, type HostTensor } from '../../src/core/index.ts';
import { crossEntropy } from '../../src/graph/index.ts';
import type { Idefics3 } from '../../src/models/index.ts';
import { AdaptedModel, type LoraAdapter, type LoraConfig } from '../../src/nn/index.ts';
import type { Trainable } from '../../src/train/objective.ts';
import { TEXT, VISION } from './smolvlm.ts';

export const LORA: LoraConfig = {
  rank: 8,
  alpha: 16,
  targets: String.raw`.*text_model\..*\.(q|k|v|o|gate|up|down)_proj`,
};

export const TOKENS = 512;
/** Tokens that the picture takes, and where they begin. */
const FEATURES = 64;
const BEGIN = 4;
const IMAGE_TOKEN = 49_190;

/** The same numbers as in the peer. Every token that is not of the picture counts, from the second on. */
export function loraBatch(): Record<string, HostTensor> {
  const inPicture = (t: number): boolean => t >= BEGIN && t < BEGIN + FEATURES;
  const id = (t: number): number => (inPicture(t) ? IMAGE_TOKEN : (t * 7919 + 13) % (TEXT.vocabularySize - 200));
  const ids = integers([1, TOKENS], (t) => id(t));
  const places = integers([1, TOKENS], (t) => (inPicture(t) ? TOKENS + t - BEGIN : t));
  const counted = Array.from({ length: TOKENS }, (_, t) => t).filter((t) => t > 0 && !inPicture(t));
  const pixels = hostTensor('float32', [1, 3, VISION.imageSize, VISION.imageSize]);
  for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = ((i * 7919) % 65_536) / 32_768 - 1;
  return {
    ids,
    places,
    chosen: integers([counted.length], (i) => counted[i]! - 1),
    labels: integers([counted.length], (i) => id(counted[i]!)),
    pixel_values: pixels,
  };
}

export function loraTrainable(model: Idefics3, adapter: LoraAdapter): Trainable {
  return {
    model: new AdaptedModel(model, [adapter]),
    loss: (batch) => {
      const features = model.pictureFeatures(batch);
      const logits = model.read(batch['ids']!, { features, places: batch['places'], chosen: batch['chosen']! });
      return { loss: crossEntropy(logits, batch['labels']!), figures: {} };
    },
  };
}

function integers(shape: readonly number[], value: (i: number) => number): HostTensor<'int64'> {
  const tensor = hostTensor('int64', shape);
  for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = BigInt(value(i));
  return tensor;
}
