import { z } from 'zod';
import { parseConfig } from '../../hub/index.ts';

/** What is done to a picture and a text before a fusion model sees them, and what its classes are called. */
export interface FusionPreprocessing {
  /** Side in pixels; pictures are fitted into a square on white. */
  readonly imageSize: number;
  /** Channel values from 0 to 1 become (value − mean) / deviation. */
  readonly imageMean: readonly [number, number, number];
  readonly imageDeviation: readonly [number, number, number];
  /** Tokens per text, padded or cut. */
  readonly textLength: number;
  /** One for each class, in the order of the logits; none for a model without a classifier. */
  readonly classNames: readonly string[];
  /**
   * For two classes: the second one is predicted where its logit exceeds the first one's by at least this much. It was
   * chosen on validation data. Absent: the larger logit wins.
   */
  readonly threshold?: number;
}

const channels = z.tuple([z.number(), z.number(), z.number()]);
const schema = z.object({
  processor_class: z.literal('FusionProcessor').optional(),
  image_size: z.int().min(1).max(4096),
  image_mean: channels,
  image_std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
  text_length: z.int().min(1).max(100_000),
  class_names: z.array(z.string().max(1000)).max(100_000),
  threshold: z.number().optional(),
});

/** Contents of `preprocessor_config.json`. */
export function preprocessingToJson(preprocessing: FusionPreprocessing): Record<string, unknown> {
  const { imageSize, imageMean, imageDeviation, textLength, classNames, threshold } = preprocessing;
  return {
    processor_class: 'FusionProcessor',
    image_size: imageSize,
    image_mean: imageMean,
    image_std: imageDeviation,
    text_length: textLength,
    class_names: classNames,
    ...(threshold === undefined ? {} : { threshold }),
  };
}

/** @param json contents of `preprocessor_config.json`  @param file its name, for messages  @throws CheckpointError */
export function parsePreprocessing(json: unknown, file = 'preprocessor_config.json'): FusionPreprocessing {
  const parsed = parseConfig(schema, json, file);
  return {
    imageSize: parsed.image_size,
    imageMean: parsed.image_mean,
    imageDeviation: parsed.image_std,
    textLength: parsed.text_length,
    classNames: parsed.class_names,
    ...(parsed.threshold === undefined ? {} : { threshold: parsed.threshold }),
  };
}
