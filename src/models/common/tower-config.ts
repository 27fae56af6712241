/** `vision_config` and `text_config` of CLIP and SigLIP, and of models that hold their towers. */
import { z } from 'zod';
import { activation, epsilon, HEADS_MISFIT, headsFit, layerCount, side, size } from './config-fields.ts';
import type { SiglipVisionConfig } from './siglip-vision.ts';
import type { TowerConfig } from './tower.ts';

/** Sizes of a tower that reads texts. */
export interface TextTowerConfig extends TowerConfig {
  readonly vocabularySize: number;
  /** Longest text in tokens. */
  readonly maxLength: number;
  /** Width of the pooled vector, where it is not the tower's own. */
  readonly projection: number | undefined;
  /** The token that ends a text. */
  readonly endToken: number;
}

/** What Transformers assumes where a file leaves keys out. */
export interface TowerDefaults {
  readonly width: number;
  readonly heads: number;
  /** Width of the feed-forward part, where it is not four times the width. */
  readonly hidden?: number;
  readonly patchSize: number;
  readonly vocabularySize: number;
  readonly maxLength: number;
  readonly activation: TowerConfig['activation'];
  readonly normEpsilon: number;
}

/** Keys of both kinds of towers. */
function towerKeys(defaults: TowerDefaults): {
  hidden_size: z.ZodDefault<typeof size>;
  intermediate_size: z.ZodDefault<typeof size>;
  num_hidden_layers: z.ZodDefault<typeof layerCount>;
  num_attention_heads: z.ZodDefault<typeof size>;
  hidden_act: z.ZodOptional<typeof activation>;
  layer_norm_eps: z.ZodDefault<typeof epsilon>;
} {
  return {
    hidden_size: size.default(defaults.width),
    intermediate_size: size.default(defaults.hidden ?? 4 * defaults.width),
    num_hidden_layers: layerCount.default(12),
    num_attention_heads: size.default(defaults.heads),
    hidden_act: activation.optional(),
    layer_norm_eps: epsilon.default(defaults.normEpsilon),
  };
}

function towerOf(keys: z.infer<z.ZodObject<ReturnType<typeof towerKeys>>>, defaults: TowerDefaults): TowerConfig {
  return {
    width: keys.hidden_size,
    layers: keys.num_hidden_layers,
    heads: keys.num_attention_heads,
    hidden: keys.intermediate_size,
    activation: keys.hidden_act ?? defaults.activation,
    normEpsilon: keys.layer_norm_eps,
  };
}

/** A `vision_config`. */
export function visionTower(defaults: TowerDefaults): z.ZodType<SiglipVisionConfig> {
  return z
    .object({
      ...towerKeys(defaults),
      image_size: side.default(224),
      patch_size: side.default(defaults.patchSize),
      num_channels: size.default(3),
      vision_use_head: z.boolean().default(true),
    })
    .refine(headsFit, HEADS_MISFIT)
    .refine((keys) => keys.patch_size <= keys.image_size, {
      message: 'is more than image_size',
      path: ['patch_size'],
    })
    .transform((keys) => ({
      ...towerOf(keys, defaults),
      imageSize: keys.image_size,
      patchSize: keys.patch_size,
      channels: keys.num_channels,
      head: keys.vision_use_head,
    }));
}

/** A `text_config`. */
export function textTower(defaults: TowerDefaults): z.ZodType<TextTowerConfig> {
  return z
    .object({
      ...towerKeys(defaults),
      vocab_size: size.default(defaults.vocabularySize),
      max_position_embeddings: size.default(defaults.maxLength),
      projection_size: size.nullish(),
      eos_token_id: z.int().min(0).default(49_407),
    })
    .refine(headsFit, HEADS_MISFIT)
    .transform((keys) => ({
      ...towerOf(keys, defaults),
      vocabularySize: keys.vocab_size,
      maxLength: keys.max_position_embeddings,
      projection: keys.projection_size ?? undefined,
      endToken: keys.eos_token_id,
    }));
}
