import { z } from 'zod';
import { parseConfig } from '../../hub/index.ts';
import type { Activation } from '../../nn/index.ts';
import {
  activation,
  epsilon,
  HEADS_MISFIT,
  headsFit,
  labels,
  layerCount,
  probability,
  side,
  sides,
  size,
} from '../common/config-fields.ts';

/** What a {@link ViT} is built from. */
export interface ViTConfig {
  readonly imageSize: readonly [height: number, width: number];
  readonly patchSize: number;
  readonly channels: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width of the feed-forward part. */
  readonly hidden: number;
  readonly activation: Activation;
  readonly normEpsilon: number;
  /** Whether queries, keys and values have biases. */
  readonly projectionBias: boolean;
  readonly poolerWidth: number;
  /** While training; attention maps are not dropped from. */
  readonly dropout: number;
  /** Names of the classes, of which there are two without names by default. */
  readonly labels: readonly string[];
}

const schema = z
  .object({
    model_type: z.literal('vit').optional(),
    hidden_size: size.default(768),
    num_hidden_layers: layerCount.default(12),
    num_attention_heads: size.default(12),
    intermediate_size: size.default(3072),
    hidden_act: activation.default('gelu'),
    hidden_dropout_prob: probability.default(0),
    layer_norm_eps: epsilon.default(1e-12),
    image_size: sides.default([224, 224]),
    patch_size: side.default(16),
    num_channels: size.default(3),
    qkv_bias: z.boolean().default(true),
    pooler_output_size: size.nullish(),
    pooler_act: z.literal('tanh').default('tanh'),
    id2label: labels.optional(),
  })
  .refine(headsFit, HEADS_MISFIT)
  .refine((keys) => keys.image_size.every((pixels) => pixels >= keys.patch_size), {
    message: 'is more than image_size',
    path: ['patch_size'],
  });

/** @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError */
export function parseViTConfig(json: unknown, file = 'config.json'): ViTConfig {
  const keys = parseConfig(schema, json, file);
  return {
    imageSize: keys.image_size,
    patchSize: keys.patch_size,
    channels: keys.num_channels,
    width: keys.hidden_size,
    layers: keys.num_hidden_layers,
    heads: keys.num_attention_heads,
    hidden: keys.intermediate_size,
    activation: keys.hidden_act,
    normEpsilon: keys.layer_norm_eps,
    projectionBias: keys.qkv_bias,
    poolerWidth: keys.pooler_output_size ?? keys.hidden_size,
    dropout: keys.hidden_dropout_prob,
    labels: keys.id2label ?? ['LABEL_0', 'LABEL_1'],
  };
}
