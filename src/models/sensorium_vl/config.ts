import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { parseConfig } from '../../hub/index.ts';
import { activation, epsilon, HEADS_MISFIT, headsFit, layerCount, side, size } from '../common/config-fields.ts';
import type { DecoderConfig } from '../common/decoder.ts';
import { parseLanguageConfig } from '../common/language-config.ts';
import type { TowerConfig } from '../common/tower.ts';

/** Sizes of a {@link StemTower}. */
export interface StemTowerConfig extends TowerConfig {
  /** Side of the square pictures in pixels. */
  readonly imageSize: number;
  /** Channels after each convolution of the stem, each of which halves the resolution; the last is followed by the width. */
  readonly stem: readonly number[];
  /** Residual blocks of convolutions at the last resolution, behind those that halve it. */
  readonly stemDepth: number;
}

/** What a {@link SensoriumVL} is built from. */
export interface SensoriumVLConfig {
  readonly vision: StemTowerConfig;
  readonly text: DecoderConfig;
  /** Side of the square of patches that become one row of features. */
  readonly scale: number;
  /** Width of the connector's hidden layer. */
  readonly connectorHidden: number;
  /** Width of the space in which pictures and texts are compared. */
  readonly projection: number;
  /** Id of the token that stands for a row of features. */
  readonly imageToken: number;
  /** Id of the token that ends a turn; a text's vector is read where it stands. */
  readonly endToken: number;
}

const vision = z
  .object({
    image_size: side,
    stem_channels: z.array(z.int().min(1).max(4096)).min(1).max(6),
    stem_depth: z.int().min(0).max(64).default(0),
    hidden_size: size,
    intermediate_size: size,
    num_hidden_layers: layerCount,
    num_attention_heads: size,
    hidden_act: activation.default('gelu_tanh'),
    layer_norm_eps: epsilon.default(1e-6),
  })
  .refine(headsFit, HEADS_MISFIT)
  .transform((keys) => ({
    imageSize: keys.image_size,
    stem: keys.stem_channels,
    stemDepth: keys.stem_depth,
    width: keys.hidden_size,
    hidden: keys.intermediate_size,
    layers: keys.num_hidden_layers,
    heads: keys.num_attention_heads,
    activation: keys.hidden_act,
    normEpsilon: keys.layer_norm_eps,
  }));

const tokenId = z.int().min(0).max(10_000_000);
const schema = z.object({
  model_type: z.literal('sensorium_vl'),
  image_token_id: tokenId,
  eos_token_id: tokenId,
  scale_factor: z.int().min(1).max(16).default(2),
  connector_hidden_size: size,
  projection_dim: size,
  tie_word_embeddings: z.boolean().default(true),
  vision_config: vision,
  text_config: z.looseObject({}),
});

/** Patches on a picture's side: each convolution of the stem halves it, and so does the tower's first layer. */
export function stemPatches({ imageSize, stem }: Pick<StemTowerConfig, 'imageSize' | 'stem'>): number {
  return imageSize / 2 ** (stem.length + 1);
}

/** @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError */
export function parseSensoriumVLConfig(json: unknown, file = 'config.json'): SensoriumVLConfig {
  const keys = parseConfig(schema, json, file);
  const { vision_config: tower, scale_factor: scale, image_token_id: imageToken, eos_token_id: endToken } = keys;
  const patches = stemPatches(tower);
  if (patches < 1 || !Number.isInteger(patches / scale))
    throw new CheckpointError(
      `${file}: pictures of ${tower.imageSize} pixels make ${patches} patches a side, which scale_factor, ${scale}, does not divide`,
      'correct the file, or fetch the checkpoint again',
    );
  const text = { ...parseLanguageConfig(keys.text_config, file, 'llama'), tied: keys.tie_word_embeddings };
  for (const [key, id] of Object.entries({ image_token_id: imageToken, eos_token_id: endToken }))
    if (id >= text.vocabularySize)
      throw new CheckpointError(
        `${file}: ${key} is ${id}, and the vocabulary has ${text.vocabularySize} tokens`,
        'correct the file, or fetch the checkpoint again',
      );
  return {
    vision: tower,
    text,
    scale,
    connectorHidden: keys.connector_hidden_size,
    projection: keys.projection_dim,
    imageToken,
    endToken,
  };
}
