import { type LlavaPartsConfig, parseLlavaParts } from '../common/llava-config.ts';

/**
 * LLaVA 1.5 and models of its making with other towers and decoders.
 * @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError
 */
export function parseLlavaConfig(json: unknown, file = 'config.json'): LlavaPartsConfig {
  return parseLlavaParts(json, file, {
    type: 'llava',
    tower: 'clip',
    language: 'llama',
    block: -2,
    strategy: 'default',
    imageToken: 32_000,
  });
}
