/**
 * The section of config.json that says which weights of a checkpoint are kept in few bits:
 *
 *     "quantization_config": {
 *       "quant_method": "sensorium", "version": 1, "block_size": 32, "symmetric": true,
 *       "weights": { "model.layers.0.mlp.up_proj.weight": { "bits": 4, "shape": [1536, 576] }, … }
 *     }
 *
 * A weight W [N, K] of that list lies in the safetensors files as `W.packed` (U8), `W.scales` (F32) and, unless symmetric,
 * `W.zero_points` (U8), laid out as `quantizeRows` gives them. All other tensors are what they are without the section.
 */
import { z } from 'zod';
import { CheckpointError } from '../../core/index.ts';
import { parseConfig } from '../parse.ts';
import type { TensorDescription } from '../safetensors.ts';
import { type BlockFormat, rowSizes } from './blocks.ts';

export const QUANTIZATION_METHOD = 'sensorium';
const VERSION = 1;
export const BLOCK_SIZES = [16, 32, 64, 128, 256] as const;
export type BlockSize = (typeof BLOCK_SIZES)[number];

/** A quantized matrix of a checkpoint. */
export interface QuantizedMatrix extends BlockFormat {
  /** [N, K]. */
  readonly shape: readonly [number, number];
}

/** What lies in the files in place of a quantized weight: packed numbers, scales and, perhaps, zero points. */
export function partsOf(name: string, matrix: QuantizedMatrix): TensorDescription[] {
  const [rows, inputs] = matrix.shape;
  const { blocks, blockBytes, zeroPointBytes } = rowSizes(inputs, matrix);
  const parts: TensorDescription[] = [
    { name: `${name}.packed`, dtype: 'uint8', shape: [rows, blocks, blockBytes] },
    { name: `${name}.scales`, dtype: 'float32', shape: [rows, blocks] },
  ];
  if (!matrix.symmetric) parts.push({ name: `${name}.zero_points`, dtype: 'uint8', shape: [rows, zeroPointBytes] });
  return parts;
}

const size = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);
const weightSchema = z.object({ bits: z.union([z.literal(4), z.literal(8)]), shape: z.tuple([size, size]) });
const sectionSchema = z.looseObject({
  version: z.literal(VERSION, `this release reads version ${VERSION}`),
  block_size: z.literal(BLOCK_SIZES),
  symmetric: z.boolean(),
  weights: z.record(z.string().max(1000), weightSchema),
});
const configSchema = z.looseObject({ quantization_config: z.looseObject({ quant_method: z.string() }).nullish() });

/**
 * The quantized weights that config.json lists, by name; none where it has no such section.
 * @throws CheckpointError when the section is wrong or of another method
 */
export function parseQuantization(config: unknown, file: string): ReadonlyMap<string, QuantizedMatrix> {
  const section = parseConfig(configSchema, config, file).quantization_config;
  if (section === undefined || section === null) return new Map();
  if (section.quant_method !== QUANTIZATION_METHOD)
    throw new CheckpointError(
      `${file}: its weights are quantized by '${section.quant_method.slice(0, 40)}', which is not supported`,
      'load the checkpoint that it was made of, with a dtype of int4 or int8',
    );
  const { block_size: block, symmetric, weights } = parseConfig(sectionSchema, section, `${file}, quantization_config`);
  return new Map(Object.entries(weights).map(([name, { bits, shape }]) => [name, { bits, block, symmetric, shape }]));
}

/** The section, for {@link parseQuantization}. All matrices have one block size. */
export function quantizationSection(
  weights: ReadonlyMap<string, QuantizedMatrix>,
  { block, symmetric }: Omit<BlockFormat, 'bits'>,
): Record<string, unknown> {
  const list = [...weights].map(([name, { bits, shape }]) => [name, { bits, shape }]);
  return {
    quant_method: QUANTIZATION_METHOD,
    version: VERSION,
    block_size: block,
    symmetric,
    weights: Object.fromEntries(list),
  };
}
