// N rows, K numbers in a row
/** From a checkpoint to one that keeps matrices in few bits, in the memory of a few rows. */
import {
  byteSize,
  CheckpointError,
  convertFloats,
  isWeightDType,
  toFloat32,
  viewArray,
  type WeightDType,
} from '../../core/index.ts';
import {
  FormChooser,
  partsOf,
  quantizationSection,
  type QuantizationSettings,
  type QuantizedMatrix,
  quantizeRows,
  resolveSettings,
  rowSizes,
  type WeightForm,
} from '../quantize/index.ts';
import type { TensorDescription } from '../safetensors.ts';
import { openCheckpoint } from './checkpoint.ts';
import { writeCheckpointFolder } from './save-checkpoint.ts';
import { MAX_SHARD_BYTES, ShardWriter, tensorByteLength } from './shard-writer.ts';
import { PIECE_BYTES } from './tensor-stream.ts';
import type { Weights } from './weights.ts';

export interface QuantizeOptions {
  /** Largest file of weights; 5 GB by default. */
  readonly maxShardBytes?: number;
  /** Replace a checkpoint that is there already. */
  readonly overwrite?: boolean;
  /** Called after each piece with the bytes read so far, and all that are to be read. */
  readonly progress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What a checkpoint was made of, and what it became. */
export interface QuantizeReport {
  /** Matrices in few bits. */
  readonly quantized: number;
  readonly sourceBytes: number;
  readonly bytes: number;
}

/** A tensor on its way. */
interface Task {
  readonly source: TensorDescription;
  readonly form: Exclude<WeightForm, 'int4' | 'int8'> | QuantizedMatrix;
}

/**
 * Writes a checkpoint anew with its matrices in 4 or 8 bits, block by block. All else is copied.
 * @param source folder of a checkpoint, as `openCheckpoint` takes it  @param target folder to be made
 * @throws CheckpointError when settings are wrong, the source is quantized already, a weight is not finite, or the disk is full
 */
export async function quantizeCheckpoint(
  source: string,
  target: string,
  settings: QuantizationSettings = {},
  options: QuantizeOptions = {},
): Promise<QuantizeReport> {
  const resolved = resolveSettings(settings);
  const { folder, config, weights } = await openCheckpoint(source);
  try {
    if (weights.quantized.size > 0)
      throw new CheckpointError(`${source} is quantized already`, 'quantize the checkpoint that it was made of');
    const chooser = new FormChooser(resolved, weights.names);
    const tasks = weights.names.map((name): Task => {
      const tensor = weights.location(name);
      const form = chooser.formOf(tensor);
      if (form !== 'int4' && form !== 'int8') return { source: tensor, form };
      const { block, symmetric } = resolved;
      const [rows, inputs] = tensor.shape as readonly [number, number];
      return { source: tensor, form: { bits: form === 'int4' ? 4 : 8, block, symmetric, shape: [rows, inputs] } };
    });
    const matrices = new Map(
      tasks.flatMap(({ source: { name }, form }) => (typeof form === 'string' ? [] : [[name, form] as const])),
    );
    const outputs = tasks.flatMap(outputsOf);
    const parts = {
      config:
        matrices.size === 0 ? config : { ...config, quantization_config: quantizationSection(matrices, resolved) },
      companionsOf: folder,
    };
    await writeCheckpointFolder(target, parts, options.overwrite === true, async (fresh) => {
      const metadata = { ...weights.metadata };
      const writer = await ShardWriter.create(fresh, outputs, {
        maxShardBytes: options.maxShardBytes ?? MAX_SHARD_BYTES,
        metadata,
      });
      try {
        await convertAll(weights, tasks, writer, options);
        await writer.finish();
      } finally {
        await writer.close();
      }
    });
    const sum = (tensors: readonly TensorDescription[]): number =>
      tensors.reduce((bytes, tensor) => bytes + tensorByteLength(tensor), 0);
    return { quantized: matrices.size, sourceBytes: sum(weights.stored), bytes: sum(outputs) };
  } finally {
    await weights.close();
  }
}

/** What a task puts into the files. */
function outputsOf({ source: { name, dtype, shape }, form }: Task): TensorDescription[] {
  if (typeof form !== 'string') return partsOf(name, form);
  return [{ name, dtype: form === 'stored' ? dtype : form, shape }];
}

async function convertAll(
  weights: Weights,
  tasks: readonly Task[],
  writer: ShardWriter,
  { progress, signal }: QuantizeOptions,
): Promise<void> {
  const total = tasks.reduce((bytes, { source }) => bytes + tensorByteLength(source), 0);
  let done = 0;
  const numbers = new Float32Array(PIECE_BYTES / 2);
  for (const { source, form } of tasks) {
    const { name, dtype } = source;
    const bytes = tensorByteLength(source);
    // Rows are not cut where they are to be quantized.
    const rowBytes = typeof form === 'string' ? byteSize(dtype) : form.shape[1] * byteSize(dtype);
    const pieceBytes = Math.max(1, Math.floor(PIECE_BYTES / rowBytes)) * rowBytes;
    const piece = new Uint8Array(Math.min(pieceBytes, bytes));
    for (let start = 0; start < bytes; start += pieceBytes) {
      signal?.throwIfAborted();
      const part = piece.subarray(0, Math.min(pieceBytes, bytes - start));
      await weights.readBytes(name, start, part);
      for (const output of converted(part, start / rowBytes, source, form, numbers))
        await writer.write(output.name, output.start, output.bytes);
      done += part.length;
      progress?.(done, total);
    }
  }
}

interface Output {
  readonly name: string;
  /** Bytes from the tensor's first one. */
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** @param first the first row of the piece, or its first number  @param scratch for a piece of numbers */
function converted(
  piece: Uint8Array,
  first: number,
  { name, dtype }: TensorDescription,
  form: Task['form'],
  scratch: Float32Array,
): Output[] {
  if (form === 'stored' || form === dtype || !isWeightDType(dtype))
    return [{ name, start: first * byteSize(dtype), bytes: piece }];
  const stored = viewArray(dtype, piece.buffer, piece.byteOffset, piece.length / byteSize(dtype));
  if (typeof form === 'string') {
    const numbers = convertFloats(dtype, form as WeightDType, stored);
    return [{ name, start: first * byteSize(form), bytes: asBytes(numbers) }];
  }
  const room = stored.length <= scratch.length ? scratch.subarray(0, stored.length) : new Float32Array(stored.length);
  const inputs = form.shape[1];
  const { blocks, blockBytes, zeroPointBytes } = rowSizes(inputs, form);
  const { packed, scales, zeroPoints } = quantized(toFloat32(dtype, stored, room), inputs, form, name, first);
  const outputs = [
    { name: `${name}.packed`, start: first * blocks * blockBytes, bytes: packed },
    { name: `${name}.scales`, start: first * blocks * 4, bytes: asBytes(scales) },
  ];
  if (zeroPoints !== undefined)
    outputs.push({ name: `${name}.zero_points`, start: first * zeroPointBytes, bytes: zeroPoints });
  return outputs;
}

function quantized(
  values: Float32Array,
  inputs: number,
  form: QuantizedMatrix,
  name: string,
  first: number,
): ReturnType<typeof quantizeRows> {
  try {
    return quantizeRows(values, inputs, form);
  } catch (cause) {
    if (!(cause instanceof CheckpointError)) throw cause;
    throw new CheckpointError(`tensor ${name}, from row ${first} on: ${cause.message}`, undefined, { cause });
  }
}

function asBytes({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}
