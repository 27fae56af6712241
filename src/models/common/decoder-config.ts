/** Keys of `config.json` that decoders of Llama's family share. Defaults are those of Transformers where files leave keys out. */
import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { parseConfig } from '../../hub/index.ts';
import type { RotaryConfig } from '../../nn/index.ts';
import { epsilon, layerCount, size } from './config-fields.ts';
import type { DecoderConfig } from './decoder.ts';

const positive = z.number().positive();

const scalingSchema = z.looseObject({
  rope_type: z.string().optional(),
  /** The older name of `rope_type`. */
  type: z.string().optional(),
  rope_theta: positive.optional(),
  factor: positive.optional(),
  low_freq_factor: positive.optional(),
  high_freq_factor: positive.optional(),
  original_max_position_embeddings: size.optional(),
});

const keysSchema = z.looseObject({
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: layerCount,
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  hidden_act: z.literal('silu').default('silu'),
  rms_norm_eps: epsilon.default(1e-6),
  max_position_embeddings: size.optional(),
  tie_word_embeddings: z.boolean().default(false),
  rope_theta: positive.nullish(),
  /** Up to version 4 of Transformers, beside `rope_theta`. */
  rope_scaling: scalingSchema.nullish(),
  /** From version 5 on: θ and scaling in one. */
  rope_parameters: scalingSchema.nullish(),
});
type DecoderKeys = z.infer<typeof keysSchema>;

/** What Transformers assumes where a file of the family leaves keys out. */
export interface DecoderDefaults {
  readonly maxLength: number;
  /** Absent where heads share the width. */
  readonly headWidth?: number;
}

/**
 * The keys that the family shares; a model adds its own.
 * @throws CheckpointError naming the key when heads do not fit or a kind of rotary scaling is not known
 */
export function parseDecoderConfig(json: unknown, file: string, defaults: DecoderDefaults): DecoderConfig {
  const keys = parseConfig(keysSchema, json, file);
  const { num_attention_heads: heads, hidden_size: width } = keys;
  const keyValueHeads = keys.num_key_value_heads ?? heads;
  if (heads % keyValueHeads !== 0) {
    throw new CheckpointError(
      `${file}: num_attention_heads is ${heads}, which num_key_value_heads, ${keyValueHeads}, does not divide`,
      'correct the file, or fetch the checkpoint again',
    );
  }
  const headWidth = keys.head_dim ?? defaults.headWidth ?? width / heads;
  if (!Number.isInteger(headWidth) || headWidth % 2 !== 0) {
    throw new CheckpointError(
      `${file}: heads of width ${headWidth} (hidden_size ${width}, num_attention_heads ${heads}) cannot turn in pairs`,
      'correct the file, or fetch the checkpoint again',
    );
  }
  return {
    vocabularySize: keys.vocab_size,
    width,
    layers: keys.num_hidden_layers,
    heads,
    keyValueHeads,
    headWidth,
    hidden: keys.intermediate_size,
    normEpsilon: keys.rms_norm_eps,
    rotary: rotaryConfig(keys, file),
    maxLength: keys.max_position_embeddings ?? defaults.maxLength,
    tied: keys.tie_word_embeddings,
  };
}

function rotaryConfig(keys: DecoderKeys, file: string): RotaryConfig {
  const scaling = keys.rope_parameters ?? keys.rope_scaling;
  const base = keys.rope_parameters?.rope_theta ?? keys.rope_theta ?? 10_000;
  const kind = scaling?.rope_type ?? scaling?.type ?? 'default';
  const needed = (
    key: 'factor' | 'low_freq_factor' | 'high_freq_factor' | 'original_max_position_embeddings',
  ): number => {
    const value = scaling?.[key];
    if (value === undefined)
      throw new CheckpointError(`${file}: rotary scaling '${kind}' needs ${key}`, 'fetch the checkpoint again');
    return value;
  };
  switch (kind) {
    case 'default':
    case 'mrope':
      return { base };
    case 'linear':
      return { base, scaling: { kind: 'linear', factor: needed('factor') } };
    case 'llama3':
      return {
        base,
        scaling: {
          kind: 'llama3',
          factor: needed('factor'),
          lowFrequencyFactor: needed('low_freq_factor'),
          highFrequencyFactor: needed('high_freq_factor'),
          originalLength: needed('original_max_position_embeddings'),
        },
      };
    default:
      throw new CheckpointError(
        `${file}: rotary scaling '${kind.slice(0, 40)}' is not supported`,
        "use a checkpoint with 'default', 'linear' or 'llama3'",
      );
  }
}

/** Qwen's files can ask for attention to the last tokens alone in some layers, which none of the released ones does. */
export function refuseSlidingWindow(json: unknown, file: string): void {
  const { use_sliding_window: asked } = parseConfig(slidingSchema, json, file);
  if (asked)
    throw new CheckpointError(`${file}: use_sliding_window is not supported`, 'use a checkpoint with full attention');
}

const slidingSchema = z.looseObject({ use_sliding_window: z.boolean().default(false) });
