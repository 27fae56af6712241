/** What turns a picture and a text into the fusion model's inputs, and its output into a label. */
import { z } from 'zod';
import { parseConfig } from '../../hub/index.ts';

/** `preprocessor_config.json` of the fusion model. */
export interface FusionProcessorConfig {
  /** Side of the model's pictures in pixels; a picture is padded to a square with white and resized. */
  readonly imageSize: number;
  /** Per channel: (value / 255 − mean) / std. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
  /** Tokens per text; longer ones lose their end. */
  readonly textLength: number;
  /** Names of the classes, in the order of the logits. */
  readonly classes: readonly string[];
  /** Of two classes, the probability from which the second one is given; fixed on data of training. 0.5 where nothing else is known. */
  readonly threshold: number;
}

const channels = z.tuple([z.number(), z.number(), z.number()]);
const deviations = z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]);

const schema = z.looseObject({
  image_size: z.number().int().min(1).max(1024),
  mean: channels,
  std: deviations,
  text_length: z.number().int().min(1).max(8192),
  classes: z.array(z.string().max(1000)).min(2).max(100_000),
  threshold: z.number().min(0).max(1).default(0.5),
});

/** Reads `preprocessor_config.json`. @throws CheckpointError naming every key that is wrong */
export function parseFusionProcessor(json: unknown, file = 'preprocessor_config.json'): FusionProcessorConfig {
  const { image_size: imageSize, text_length: textLength, mean, std, classes, threshold } = parseConfig(schema, json, file);
  return { imageSize, textLength, mean, std, classes, threshold };
}

/** Contents of `preprocessor_config.json`; {@link parseFusionProcessor} reads them back. */
export function writeFusionProcessor(config: FusionProcessorConfig): Record<string, unknown> {
  const { imageSize, textLength, mean, std, classes, threshold } = config;
  return { image_size: imageSize, mean: [...mean], std: [...std], text_length: textLength, threshold, classes: [...classes] };
}

/**
 * The class that logits stand for.
 * @param probabilities of each class, summing to 1
 */
export function decideClass(probabilities: ArrayLike<number>, threshold: number): number {
  if (probabilities.length === 2) return probabilities[1]! >= threshold ? 1 : 0;
  let best = 0;
  for (let i = 1; i < probabilities.length; i++) if (probabilities[i]! > probabilities[best]!) best = i;
  return best;
}
