import { z } from 'zod';
import { parseConfig } from '../../hub/index.ts';
import { CheckpointError } from '../../core/index.ts';
import type { DecoderConfig } from '../common/decoder.ts';
import { decoderConfig, decoderKeys } from '../common/decoder-config.ts';

const schema = z.looseObject({
  ...decoderKeys,
  max_position_embeddings: decoderKeys.max_position_embeddings.default(32_768),
  use_sliding_window: z.boolean().default(false),
});

/** @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError */
export function parseQwen2Config(json: unknown, file = 'config.json'): DecoderConfig {
  const keys = parseConfig(schema, json, file);
  if (keys.use_sliding_window)
    throw new CheckpointError(`${file}: use_sliding_window is not supported`, 'use a checkpoint with full attention');
  return { ...decoderConfig(keys, file), attentionBias: true };
}
