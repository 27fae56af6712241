import { z } from 'zod';
import { CheckpointError } from '../core/index.ts';
import { parseConfig } from '../hub/index.ts';
import {
  type CausalLM,
  Llama,
  parseLlamaConfig,
  parseQwen2Config,
  parseQwen3Config,
  Qwen2,
  Qwen3,
} from '../models/index.ts';

/** Decoders by `model_type` of config.json. A new one needs a line here. */
const DECODERS: Readonly<Record<string, (json: unknown, file: string) => CausalLM>> = {
  llama: (json, file) => new Llama(parseLlamaConfig(json, file)),
  qwen2: (json, file) => new Qwen2(parseQwen2Config(json, file)),
  qwen3: (json, file) => new Qwen3(parseQwen3Config(json, file)),
};

const typeSchema = z.looseObject({ model_type: z.string().max(200) });

/**
 * The decoder that a config.json describes, without weights.
 * @throws CheckpointError when the architecture is not known or the file is wrong
 */
export function createDecoder(json: unknown, file = 'config.json'): CausalLM {
  const { model_type: type } = parseConfig(typeSchema, json, file);
  const create = Object.hasOwn(DECODERS, type) ? DECODERS[type] : undefined;
  if (create === undefined)
    throw new CheckpointError(
      `${file}: model_type '${type}' is not a decoder that can be loaded`,
      `known ones are ${Object.keys(DECODERS).join(', ')}`,
    );
  return create(json, file);
}
