/** Values that stand in many a `config.json` of the Hugging Face Hub, as zod types. */
import { z } from 'zod';
import type { Activation } from '../../nn/index.ts';

/** A width, a count of heads, a length: anything that allocates. */
export const size: z.ZodType<number> = z.int().min(1).max(10_000_000);
export const layerCount: z.ZodType<number> = z.int().min(1).max(1000);
export const epsilon: z.ZodType<number> = z.number().positive().max(1);
export const probability: z.ZodType<number> = z.number().min(0).max(1);

type ActivationName =
  | 'gelu'
  | 'gelu_python'
  | 'gelu_new'
  | 'gelu_fast'
  | 'gelu_pytorch_tanh'
  | 'quick_gelu'
  | 'relu'
  | 'silu'
  | 'swish';

/** Names of activations in files, and ours. `gelu_fast` differs from `gelu_new` in the last digits of a constant. */
const ACTIVATIONS: Readonly<Record<ActivationName, Activation>> = {
  gelu: 'gelu',
  gelu_python: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_fast: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  quick_gelu: 'quick_gelu',
  relu: 'relu',
  silu: 'silu',
  swish: 'silu',
};

export const activation: z.ZodType<Activation, ActivationName> = z
  .enum(Object.keys(ACTIVATIONS) as ActivationName[])
  .transform((name) => ACTIVATIONS[name]);

/** One number for both directions, or height and width. */
export const sides: z.ZodType<readonly [height: number, width: number], number | [number, number]> = z
  .union([z.int().min(1).max(16_384), z.tuple([z.int().min(1).max(16_384), z.int().min(1).max(16_384)])])
  .transform((given): readonly [number, number] => (typeof given === 'number' ? [given, given] : given));

/** Sides that must be equal. */
export const side: z.ZodType<number, number | [number, number]> = sides
  .refine(([height, width]) => height === width, 'only squares are supported')
  .transform(([height]) => height);

const MAX_LABELS = 1_000_000;

/** `id2label`: the names of classes by their number, as text. */
export const labels: z.ZodType<readonly string[], Record<string, string>> = z
  .record(z.string().regex(/^(0|[1-9]\d{0,6})$/), z.string().max(10_000))
  .refine((names) => Object.keys(names).length <= MAX_LABELS, `more than ${MAX_LABELS} classes`)
  .refine(
    (names) => Object.keys(names).every((id) => Number(id) < Object.keys(names).length),
    'the numbers of classes must run from 0 without a gap',
  )
  .transform((names) => Array.from({ length: Object.keys(names).length }, (_, id) => names[id]!));

/** Refuses heads that do not divide the width. */
export function headsFit({
  hidden_size,
  num_attention_heads,
}: {
  readonly hidden_size: number;
  readonly num_attention_heads: number;
}): boolean {
  return hidden_size % num_attention_heads === 0;
}

/** What is said where {@link headsFit} does not hold. */
export const HEADS_MISFIT: { readonly message: string; readonly path: [string] } = {
  message: 'does not divide hidden_size',
  path: ['num_attention_heads'],
};
