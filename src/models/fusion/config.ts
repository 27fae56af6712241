import { z } from 'zod';
import { parseConfig } from '../../hub/index.ts';
import type { FusionConfig } from './model.ts';

const size = z.int().min(1).max(1_000_000);
const transformer = {
  width: size,
  layers: z.int().min(0).max(1000),
  heads: size,
  hidden: size.optional(),
  activation: z.enum(['relu', 'gelu', 'gelu_tanh', 'quick_gelu', 'silu']).optional(),
  dropout: z.number().min(0).max(1).optional(),
};

/** An encoder of a known architecture: its own `config.json`, which its own parser reads. */
const pretrained = { kind: z.literal('pretrained'), config: z.record(z.string(), z.unknown()) };

const schema = z.object({
  model_type: z.literal('fusion'),
  vision: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('vit'),
      imageSize: size,
      patchSize: size,
      classToken: z.boolean().optional(),
      ...transformer,
    }),
    z.strictObject({
      kind: z.literal('convnet'),
      imageSize: size,
      channels: z.array(size).min(1).max(64),
      blocks: z.array(size).min(1).max(64),
      stem: size,
    }),
    z.strictObject({
      kind: z.literal('conv-transformer'),
      imageSize: size,
      channels: z.array(size).min(1).max(64),
      blocks: z.array(size).min(1).max(64),
      stem: size,
      ...transformer,
    }),
    z.strictObject({ imageSize: size, ...pretrained }),
  ]),
  text: z.union([
    z.strictObject({
      vocabularySize: size,
      maxLength: size,
      embeddingDeviation: z.number().positive().max(100).optional(),
      ...transformer,
    }),
    z.strictObject({ vocabularySize: size, maxLength: size, ...pretrained }),
  ]),
  hiddenSize: size,
  heads: size,
  classes: z.int().min(0).max(1_000_000),
  query: z.enum(['text', 'vision']),
  layers: size,
  pooledText: z.boolean().optional(),
  conditioned: z.int().min(1).max(64).optional(),
  alignmentSize: z.int().min(0).max(1_000_000),
  maskedHead: z.boolean().optional(),
  matchingHead: z.boolean().optional(),
});

/** Contents of `config.json`. */
export function fusionConfigToJson(config: FusionConfig): Record<string, unknown> {
  return { architectures: ['SimpleMultimodalModel'], model_type: 'fusion', ...config };
}

/** @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError */
export function parseFusionConfig(json: unknown, file = 'config.json'): FusionConfig {
  const { model_type: _, ...config } = parseConfig(schema, json, file);
  return config as FusionConfig;
}
