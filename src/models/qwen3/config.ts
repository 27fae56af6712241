import { z } from 'zod';
import { parseConfig } from '../../hub/index.ts';
import type { DecoderConfig } from '../common/decoder.ts';
import { parseDecoderConfig, refuseSlidingWindow } from '../common/decoder-config.ts';

const schema = z.looseObject({ attention_bias: z.boolean().default(false) });

/** @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError */
export function parseQwen3Config(json: unknown, file = 'config.json'): DecoderConfig {
  const { attention_bias: bias } = parseConfig(schema, json, file);
  refuseSlidingWindow(json, file);
  const shared = parseDecoderConfig(json, file, { maxLength: 32_768, headWidth: 128 });
  return { ...shared, attentionBias: bias, outputBias: bias, headNorm: true };
}
