/** Keys of `config.json` that decoders of Llama's family share. Defaults are those of Transformers where files leave keys out. */
import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import type { RotaryConfig } from '../../nn/index.ts';
import type { DecoderConfig } from './decoder.ts';

const size = z.int().min(1).max(10_000_000);
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

/** What every decoder of the family has in its file; families add their own keys. */
export const decoderKeys = {
  vocab_size: size,
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: z.int().min(1).max(1000),
  num_attention_heads: size,
  num_key_value_heads: size.nullish(),
  head_dim: size.nullish(),
  hidden_act: z.literal('silu').default('silu'),
  rms_norm_eps: positive.default(1e-6),
  max_position_embeddings: size,
  tie_word_embeddings: z.boolean().default(false),
  rope_theta: positive.nullish(),
  /** Up to version 4 of Transformers, beside `rope_theta`. */
  rope_scaling: scalingSchema.nullish(),
  /** From version 5 on: θ and scaling in one. */
  rope_parameters: scalingSchema.nullish(),
};

const keysSchema = z.object(decoderKeys);
/** The shared keys after parsing. */
export type DecoderKeys = z.infer<typeof keysSchema>;

/** @throws CheckpointError naming the key when heads do not fit or a kind of rotary scaling is not known */
export function decoderConfig(keys: DecoderKeys, file: string): DecoderConfig {
  const { num_attention_heads: heads, hidden_size: width } = keys;
  const keyValueHeads = keys.num_key_value_heads ?? heads;
  if (heads % keyValueHeads !== 0) {
    throw new CheckpointError(
      `${file}: num_attention_heads is ${heads}, which num_key_value_heads, ${keyValueHeads}, does not divide`,
      'correct the file, or fetch the checkpoint again',
    );
  }
  const headWidth = keys.head_dim ?? width / heads;
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
    maxLength: keys.max_position_embeddings,
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
