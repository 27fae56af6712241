import { z } from 'zod';
import { parseConfig } from '../../hub/index.ts';
import type { DecoderConfig } from '../common/decoder.ts';
import { parseDecoderConfig } from '../common/decoder-config.ts';

const schema = z.looseObject({ attention_bias: z.boolean().default(false), mlp_bias: z.boolean().default(false) });

/**
 * Llama and those that share its files, SmolLM2 among them.
 * @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError
 */
export function parseLlamaConfig(json: unknown, file = 'config.json'): DecoderConfig {
  const { attention_bias: bias, mlp_bias: mlpBias } = parseConfig(schema, json, file);
  return { ...parseDecoderConfig(json, file, { maxLength: 2048 }), attentionBias: bias, outputBias: bias, mlpBias };
}
