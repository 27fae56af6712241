/** `config.json` of the fusion model: what {@link FusionConfig} says, checked, and written in the same form. */
import { z } from 'zod';
import { parseConfig } from '../../hub/index.ts';
import type { FusionConfig } from './model.ts';

/** `model_type` by which a folder is known as one of the fusion model. */
export const FUSION_MODEL_TYPE = 'sensorium-fusion';

const size = (most: number): z.ZodNumber => z.number().int().min(1).max(most);

const transformer = {
  width: size(16_384),
  layers: size(256),
  heads: size(256),
  hidden: size(65_536).optional(),
  activation: z.enum(['relu', 'gelu', 'gelu_tanh', 'silu']).optional(),
  dropout: z.number().min(0).lt(1).optional(),
};

const vit = z
  .strictObject({
    kind: z.literal('vit'),
    imageSize: size(1024),
    patchSize: size(256),
    classToken: z.boolean().optional(),
    ...transformer,
  })
  .refine(({ imageSize, patchSize }) => imageSize % patchSize === 0, 'imageSize must be a multiple of patchSize');

const convnet = z
  .strictObject({
    kind: z.literal('convnet'),
    imageSize: size(1024),
    channels: z.array(size(4096)).min(1).max(16),
    blocks: z.array(size(64)).min(1).max(16),
    stem: size(64),
  })
  .refine(({ channels, blocks }) => channels.length === blocks.length, 'channels and blocks must be equally many');

const schema = z
  .strictObject({
    model_type: z.literal(FUSION_MODEL_TYPE),
    vision: z.discriminatedUnion('kind', [vit, convnet]),
    text: z.strictObject({ vocabularySize: size(1_000_000), maxLength: size(8192), ...transformer }),
    hiddenSize: size(16_384),
    heads: size(256),
    classes: size(100_000).min(2),
    query: z.enum(['text', 'vision']),
    layers: size(64),
    alignmentSize: z.number().int().min(0).max(16_384),
  })
  .refine(({ hiddenSize, heads }) => hiddenSize % heads === 0, 'hiddenSize must be a multiple of heads');

/**
 * Reads `config.json` of a fusion model.
 * @param file its name, for messages
 * @throws CheckpointError naming every key that is wrong
 */
export function parseFusionConfig(json: unknown, file = 'config.json'): FusionConfig {
  const { model_type: _, ...config } = parseConfig(schema, json, file);
  // Keys that are absent stay absent: zod's optional keys are never present as undefined after JSON.
  return config as FusionConfig;
}

/** Contents of `config.json`; {@link parseFusionConfig} reads them back. */
export function writeFusionConfig(config: FusionConfig): Record<string, unknown> {
  return { model_type: FUSION_MODEL_TYPE, ...(JSON.parse(JSON.stringify(config)) as Record<string, unknown>) };
}
