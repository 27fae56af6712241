import { z } from 'zod';
import { parseConfig } from '../../hub/index.ts';
import type { DecoderConfig } from '../common/decoder.ts';
import { decoderConfig, decoderKeys } from '../common/decoder-config.ts';

const schema = z.looseObject({
  ...decoderKeys,
  max_position_embeddings: decoderKeys.max_position_embeddings.default(2048),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
});

/**
 * Llama and those that share its files, SmolLM2 among them.
 * @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError
 */
export function parseLlamaConfig(json: unknown, file = 'config.json'): DecoderConfig {
  const keys = parseConfig(schema, json, file);
  const { attention_bias: bias, mlp_bias: mlpBias } = keys;
  return { ...decoderConfig(keys, file), attentionBias: bias, outputBias: bias, mlpBias };
}
