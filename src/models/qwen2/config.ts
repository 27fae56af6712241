import type { DecoderConfig } from '../common/decoder.ts';
import { parseDecoderConfig, refuseSlidingWindow } from '../common/decoder-config.ts';

/** @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError */
export function parseQwen2Config(json: unknown, file = 'config.json'): DecoderConfig {
  refuseSlidingWindow(json, file);
  return { ...parseDecoderConfig(json, file, { maxLength: 32_768 }), attentionBias: true };
}
