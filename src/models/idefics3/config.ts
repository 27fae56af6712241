import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { parseConfig } from '../../hub/index.ts';
import { patchesPerSide } from '../common/clip-vision.ts';
import type { DecoderConfig } from '../common/decoder.ts';
import { parseLanguageConfig } from '../common/language-config.ts';
import type { SiglipVisionConfig } from '../common/siglip-vision.ts';
import { type TowerDefaults, visionTower } from '../common/tower-config.ts';

/** What an {@link Idefics3} is built from. */
export interface Idefics3Config {
  readonly vision: SiglipVisionConfig;
  readonly text: DecoderConfig;
  /** Side of the square of patches that become one row of features. */
  readonly scale: number;
  /** Id of the token that stands for a row of features. */
  readonly imageToken: number;
}

const visionDefaults: TowerDefaults = {
  width: 1152,
  heads: 16,
  hidden: 3072,
  patchSize: 32,
  vocabularySize: 0,
  maxLength: 0,
  activation: 'gelu_tanh',
  normEpsilon: 1e-6,
};

const schema = z.object({
  model_type: z.enum(['idefics3', 'smolvlm']).default('idefics3'),
  image_token_id: z.int().min(0).max(10_000_000).default(128_257),
  scale_factor: z.int().min(1).max(64).default(2),
  tie_word_embeddings: z.boolean().default(false),
  vision_config: visionTower(visionDefaults).prefault({}),
  text_config: z.looseObject({}).nullish(),
});

/**
 * Idefics3 and SmolVLM, which share their files.
 * @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError
 */
export function parseIdefics3Config(json: unknown, file = 'config.json'): Idefics3Config {
  const keys = parseConfig(schema, json, file);
  const { vision_config: vision, scale_factor: scale, image_token_id: imageToken } = keys;
  const side = patchesPerSide(vision);
  if (side % scale !== 0)
    throw new CheckpointError(
      `${file}: scale_factor is ${scale}, which does not divide the ${side} patches on a picture's side`,
      'correct the file, or fetch the checkpoint again',
    );
  // Of the two files' places for it, only the outer one counts in Transformers.
  const text = { ...parseLanguageConfig(keys.text_config, file, 'llama'), tied: keys.tie_word_embeddings };
  if (imageToken >= text.vocabularySize)
    throw new CheckpointError(
      `${file}: image_token_id is ${imageToken}, and the vocabulary has ${text.vocabularySize} tokens`,
      'correct the file, or fetch the checkpoint again',
    );
  return { vision: { ...vision, head: false }, text, scale, imageToken };
}
