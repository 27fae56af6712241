import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { parseConfig } from '../../hub/index.ts';
import {
  activation,
  epsilon,
  HEADS_MISFIT,
  headsFit,
  layerCount,
  probability,
  side,
  size,
} from '../common/config-fields.ts';
import type { BertPartConfig } from '../common/bert-parts.ts';
import type { VisionTowerConfig } from '../common/clip-vision.ts';

/** Sizes of BLIP's text model, which is BERT with attention to a picture (or to a question) in every layer. */
export interface BlipTextConfig extends BertPartConfig {
  /** Longest text in tokens. */
  readonly maxLength: number;
  readonly layers: number;
  readonly heads: number;
  /** Width of the feed-forward part. */
  readonly hidden: number;
  /** The token that a text begins with that is written. */
  readonly startToken: number;
  /** The token that ends it. */
  readonly endToken: number;
  /** Whether the output weights are the embedding. */
  readonly tied: boolean;
}

/** What a model of BLIP's family is built from. */
export interface BlipConfig {
  readonly vision: VisionTowerConfig;
  readonly text: BlipTextConfig;
  /** Width of the space in which pictures and texts are compared. */
  readonly projection: number;
  /** Classes of the model that was saved, such as BlipForQuestionAnswering. */
  readonly architectures: readonly string[];
}

const token = z.int().min(0).max(10_000_000);

const vision = z
  .object({
    hidden_size: size.default(768),
    intermediate_size: size.default(3072),
    num_hidden_layers: layerCount.default(12),
    num_attention_heads: size.default(12),
    image_size: side.default(384),
    patch_size: side.default(16),
    num_channels: z.literal(3).default(3),
    hidden_act: activation.default('gelu'),
    layer_norm_eps: epsilon.default(1e-5),
  })
  .refine(headsFit, HEADS_MISFIT)
  .refine((keys) => keys.patch_size <= keys.image_size, { message: 'is more than image_size', path: ['patch_size'] });

const text = z
  .object({
    vocab_size: size.default(30_524),
    hidden_size: size.default(768),
    intermediate_size: size.default(3072),
    num_hidden_layers: layerCount.default(12),
    num_attention_heads: size.default(8),
    max_position_embeddings: size.default(512),
    hidden_act: activation.default('gelu'),
    layer_norm_eps: epsilon.default(1e-12),
    hidden_dropout_prob: probability.default(0),
    bos_token_id: token.default(30_522),
    sep_token_id: token.default(102),
    is_decoder: z.literal(true, 'must be true: without it there is no attention to pictures').default(true),
    tie_word_embeddings: z.boolean().default(true),
  })
  .refine(headsFit, HEADS_MISFIT)
  .refine((keys) => keys.bos_token_id < keys.vocab_size, {
    message: 'is not in the vocabulary',
    path: ['bos_token_id'],
  })
  .refine((keys) => keys.sep_token_id < keys.vocab_size, {
    message: 'is not in the vocabulary',
    path: ['sep_token_id'],
  });

const schema = z.object({
  model_type: z.literal('blip').optional(),
  architectures: z.array(z.string().max(200)).max(100).nullish(),
  vision_config: vision.prefault({}),
  text_config: text.prefault({}),
  image_text_hidden_size: size.default(256),
  tie_word_embeddings: z.boolean().default(true),
});

/** @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError */
export function parseBlipConfig(json: unknown, file = 'config.json'): BlipConfig {
  const keys = parseConfig(schema, json, file);
  const { vision_config: seen, text_config: read } = keys;
  return {
    vision: {
      width: seen.hidden_size,
      layers: seen.num_hidden_layers,
      heads: seen.num_attention_heads,
      hidden: seen.intermediate_size,
      activation: seen.hidden_act,
      normEpsilon: seen.layer_norm_eps,
      imageSize: seen.image_size,
      patchSize: seen.patch_size,
      channels: seen.num_channels,
    },
    text: {
      vocabularySize: read.vocab_size,
      maxLength: read.max_position_embeddings,
      width: read.hidden_size,
      layers: read.num_hidden_layers,
      heads: read.num_attention_heads,
      hidden: read.intermediate_size,
      activation: read.hidden_act,
      normEpsilon: read.layer_norm_eps,
      dropout: read.hidden_dropout_prob,
      startToken: read.bos_token_id,
      endToken: read.sep_token_id,
      tied: keys.tie_word_embeddings && read.tie_word_embeddings,
    },
    projection: keys.image_text_hidden_size,
    architectures: keys.architectures ?? [],
  };
}

/** @throws CheckpointError when the decoder has output weights of its own, which no release has */
export function checkTied({ tied }: BlipTextConfig): void {
  if (tied) return;
  throw new CheckpointError(
    'a decoder of BLIP with output weights of its own (tie_word_embeddings is false) is not supported',
    'use a checkpoint whose decoder shares the embedding',
  );
}
