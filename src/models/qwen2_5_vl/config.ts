import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { parseConfig } from '../../hub/index.ts';
import { layerCount, size } from '../common/config-fields.ts';
import type { DecoderConfig } from '../common/decoder.ts';
import { parseDecoderConfig, refuseSlidingWindow } from '../common/decoder-config.ts';

/** Sizes of the vision tower. */
export interface Qwen25VisionConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width of the feed-forward part. */
  readonly hidden: number;
  readonly channels: number;
  readonly patchSize: number;
  /** Pictures that make one patch; a still one is given as often. */
  readonly frames: number;
  /** Patches along a side that become one feature. */
  readonly merge: number;
  /** Features along a side of a window. */
  readonly windowSide: number;
  /** θ of the rotary positions. */
  readonly rotaryBase: number;
  /** Blocks in which every patch sees every other. */
  readonly fullAttention: ReadonlySet<number>;
}

/** What a {@link Qwen25VL} is built from. */
export interface Qwen25VLConfig {
  readonly vision: Qwen25VisionConfig;
  readonly text: DecoderConfig;
  /** Pairs of a head that turn with time, height and width. */
  readonly sections: readonly number[];
  /** Ids of the tokens that stand for a row of features and for the two ends of a picture. */
  readonly imageToken: number;
  readonly visionStart: number;
  readonly visionEnd: number;
}

const tokenId = z.int().min(0).max(10_000_000);

const visionSchema = z.looseObject({
  depth: layerCount.default(32),
  hidden_size: size.default(3584),
  intermediate_size: size.default(3420),
  num_heads: size.default(16),
  hidden_act: z.literal('silu').default('silu'),
  in_channels: z.int().min(1).max(64).optional(),
  /** The older name of `in_channels`. */
  in_chans: z.int().min(1).max(64).optional(),
  patch_size: z.int().min(1).max(1024).default(14),
  temporal_patch_size: z.int().min(1).max(64).default(2),
  spatial_merge_size: z.int().min(1).max(64).default(2),
  window_size: z.int().min(1).max(16_384).default(112),
  out_hidden_size: size.default(3584),
  rope_parameters: z.looseObject({ rope_theta: z.number().positive().default(10_000) }).prefault({}),
  fullatt_block_indexes: z.array(z.int().min(0)).max(1000).default([7, 15, 23, 31]),
});

/** θ and sections of rotary positions, under the older name or the newer. */
const sectionsSchema = z.looseObject({ mrope_section: z.array(z.int().min(1)).min(1).max(16).optional() });

const textSchema = z.looseObject({
  rope_scaling: sectionsSchema.nullish(),
  rope_parameters: sectionsSchema.nullish(),
});

const schema = z.looseObject({
  vision_config: visionSchema.prefault({}),
  /** Before version 4.5x of Transformers, the keys of the language model stood beside `vision_config`. */
  text_config: z.record(z.string(), z.unknown()).optional(),
  tie_word_embeddings: z.boolean().optional(),
  image_token_id: tokenId.default(151_655),
  vision_start_token_id: tokenId.default(151_652),
  vision_end_token_id: tokenId.default(151_653),
});

/**
 * Qwen2.5-VL, with the language model's keys at the root (as released) or under `text_config`.
 * @param json contents of `config.json`  @param file its name, for messages
 * @throws CheckpointError when a key is wrong, or the two towers do not fit
 */
export function parseQwen25VLConfig(json: unknown, file = 'config.json'): Qwen25VLConfig {
  const keys = parseConfig(schema, json, file);
  const { vision_config: vision, text_config: nested } = keys;
  const text = {
    // What Transformers assumes of this architecture.
    rope_theta: 1e6,
    rms_norm_eps: 1e-5,
    ...(nested ?? keys),
    // The root decides, since it is the whole that is tied; older nested files say it within.
    ...(keys.tie_word_embeddings === true ? { tie_word_embeddings: true } : {}),
  };
  refuseSlidingWindow(text, file);
  const decoder: DecoderConfig = { ...parseDecoderConfig(text, file, { maxLength: 32_768 }), attentionBias: true };
  const refuse = (problem: string): never => {
    throw new CheckpointError(`${file}: ${problem}`, 'correct the file, or fetch the checkpoint again');
  };
  const { rope_scaling: scaling, rope_parameters: parameters } = parseConfig(textSchema, text, file);
  const sections = parameters?.mrope_section ?? scaling?.mrope_section ?? [16, 24, 24];
  const pairs = sections.reduce((sum, section) => sum + section, 0);
  if (2 * pairs !== decoder.headWidth)
    refuse(`mrope_section turns ${pairs} pairs, a head of the language model has ${decoder.headWidth / 2}`);
  if (vision.hidden_size % (4 * vision.num_heads) !== 0)
    refuse(
      `vision_config: hidden_size ${vision.hidden_size} does not give ${vision.num_heads} heads of whole quarters`,
    );
  if (vision.out_hidden_size !== decoder.width)
    refuse(`vision_config.out_hidden_size is ${vision.out_hidden_size}, the language model's width ${decoder.width}`);
  const windowSide = Math.floor(vision.window_size / vision.spatial_merge_size / vision.patch_size);
  if (windowSide < 1)
    refuse(`vision_config.window_size ${vision.window_size} is less than one feature of merged patches`);
  if (vision.fullatt_block_indexes.some((block) => block >= vision.depth))
    refuse(`vision_config.fullatt_block_indexes names a block beyond the ${vision.depth} that there are`);
  for (const key of ['image_token_id', 'vision_start_token_id', 'vision_end_token_id'] as const)
    if (keys[key] >= decoder.vocabularySize)
      refuse(`${key} is ${keys[key]}, beyond vocab_size ${decoder.vocabularySize}`);
  return {
    vision: {
      width: vision.hidden_size,
      layers: vision.depth,
      heads: vision.num_heads,
      hidden: vision.intermediate_size,
      channels: vision.in_channels ?? vision.in_chans ?? 3,
      patchSize: vision.patch_size,
      frames: vision.temporal_patch_size,
      merge: vision.spatial_merge_size,
      windowSide,
      rotaryBase: vision.rope_parameters.rope_theta,
      fullAttention: new Set(vision.fullatt_block_indexes),
    },
    text: decoder,
    sections,
    imageToken: keys.image_token_id,
    visionStart: keys.vision_start_token_id,
    visionEnd: keys.vision_end_token_id,
  };
}
