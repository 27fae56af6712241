/** The decoders that stand alone or as the language part of a larger model, by their configurations. */
import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { parseConfig } from '../../hub/index.ts';
import type { DecoderConfig } from './decoder.ts';
import { parseDecoderConfig, refuseSlidingWindow } from './decoder-config.ts';

const llamaSchema = z.looseObject({ attention_bias: z.boolean().default(false), mlp_bias: z.boolean().default(false) });

/**
 * Llama and those that share its files, SmolLM2 among them.
 * @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError
 */
export function parseLlamaConfig(json: unknown, file = 'config.json'): DecoderConfig {
  const { attention_bias: bias, mlp_bias: mlpBias } = parseConfig(llamaSchema, json, file);
  return { ...parseDecoderConfig(json, file, { maxLength: 2048 }), attentionBias: bias, outputBias: bias, mlpBias };
}

/** @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError */
export function parseQwen2Config(json: unknown, file = 'config.json'): DecoderConfig {
  refuseSlidingWindow(json, file);
  return { ...parseDecoderConfig(json, file, { maxLength: 32_768 }), attentionBias: true };
}

const qwen3Schema = z.looseObject({ attention_bias: z.boolean().default(false) });

/** @param json contents of `config.json`  @param file its name, for messages  @throws CheckpointError */
export function parseQwen3Config(json: unknown, file = 'config.json'): DecoderConfig {
  const { attention_bias: bias } = parseConfig(qwen3Schema, json, file);
  refuseSlidingWindow(json, file);
  const shared = parseDecoderConfig(json, file, { maxLength: 32_768, headWidth: 128 });
  return { ...shared, attentionBias: bias, outputBias: bias, headNorm: true };
}

/** A family of decoders, and the keys that files of larger models leave out because they are the family's defaults. */
interface LanguageFamily {
  readonly parse: (json: unknown, file: string) => DecoderConfig;
  readonly defaults: Readonly<Record<string, number>>;
}

/** By `model_type`; the numbers are Transformers' defaults. */
const FAMILIES: Readonly<Record<string, LanguageFamily>> = {
  llama: {
    parse: parseLlamaConfig,
    defaults: {
      vocab_size: 32_000,
      hidden_size: 4096,
      intermediate_size: 11_008,
      num_hidden_layers: 32,
      num_attention_heads: 32,
    },
  },
  qwen2: {
    parse: parseQwen2Config,
    defaults: {
      vocab_size: 151_936,
      hidden_size: 4096,
      intermediate_size: 22_016,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 32,
    },
  },
  qwen3: {
    parse: parseQwen3Config,
    defaults: {
      vocab_size: 151_936,
      hidden_size: 4096,
      intermediate_size: 22_016,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 32,
    },
  },
};

const languageSchema = z.looseObject({ model_type: z.string().max(200).optional() });

/**
 * The `text_config` of a model that holds a decoder. Files written by older releases of Transformers leave out what is as
 * its family assumes.
 * @param json contents of `text_config`  @param file the file's name, for messages
 * @param type the family where `text_config` names none
 * @throws CheckpointError when a key is wrong or the family is not known
 */
export function parseLanguageConfig(json: unknown, file: string, type: string): DecoderConfig {
  const where = `${file}, text_config`;
  const keys = parseConfig(languageSchema, json ?? {}, where);
  const name = keys.model_type ?? type;
  const family = Object.hasOwn(FAMILIES, name) ? FAMILIES[name] : undefined;
  if (family === undefined)
    throw new CheckpointError(
      `${where}: a language model of type '${name}' is not supported`,
      `supported are ${Object.keys(FAMILIES).join(', ')}`,
    );
  return family.parse({ ...family.defaults, ...keys }, where);
}
