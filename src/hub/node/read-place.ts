import { open } from 'node:fs/promises';
import { join } from 'node:path';
import {
  byteSize,
  CheckpointError,
  type DType,
  elementCount,
  hostTensor,
  type HostTensor,
  isWeightDType,
  toFloat32,
  viewArray,
} from '../../core/index.ts';
import { dequantizeRows } from '../quantize/index.ts';
import { asCheckpointError } from './file-errors.ts';
import { readAt } from './safetensors-file.ts';

/** Where numbers lie in a file of a folder. */
export interface Place {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
  /** float32 unless told. */
  readonly dtype?: DType;
}

/** As `LocatedWeights`, as far as it is needed to read a weight. */
export interface Places {
  readonly folder: string;
  readonly places: ReadonlyMap<
    string,
    Place & {
      readonly quantized?: {
        readonly bits: 4 | 8;
        readonly block: number;
        readonly scales: Place;
        readonly zeroPoints?: Place;
      };
    }
  >;
}

/**
 * One weight of a model, as float32 whatever its file holds.
 * @param name by which it was located
 * @throws CheckpointError when there is none of that name, it has another size, or the file cannot be read
 */
export async function readLocated(
  { folder, places }: Places,
  name: string,
  shape: readonly number[],
): Promise<HostTensor<'float32'>> {
  const place = places.get(name);
  if (place === undefined) throw new CheckpointError(`${folder}: there is no weight ${name.slice(0, 200)}`);
  const { quantized } = place;
  if (quantized === undefined) {
    if (place.length !== elementCount(shape) * byteSize(place.dtype ?? 'float32'))
      throw new CheckpointError(`${folder}: ${name.slice(0, 200)} is not of the shape [${shape.join(', ')}]`);
    return hostTensor('float32', shape, await numbersAt(folder, place));
  }
  const { bits, block, scales, zeroPoints } = quantized;
  const rows = {
    packed: await bytesAt(folder, place),
    scales: await numbersAt(folder, scales),
    zeroPoints: zeroPoints && (await bytesAt(folder, zeroPoints)),
  };
  const format = { bits, block, symmetric: zeroPoints === undefined };
  return hostTensor('float32', shape, dequantizeRows(rows, shape[1]!, format));
}

async function numbersAt(folder: string, place: Place): Promise<Float32Array> {
  const { dtype = 'float32', length } = place;
  if (!isWeightDType(dtype))
    throw new CheckpointError(`${join(folder, place.location)}: ${dtype} where numbers of a weight were expected`);
  const bytes = await bytesAt(folder, place);
  return toFloat32(dtype, viewArray(dtype, bytes.buffer, bytes.byteOffset, length / byteSize(dtype)));
}

async function bytesAt(folder: string, { location, offset, length }: Place): Promise<Uint8Array> {
  const path = join(folder, location);
  try {
    const handle = await open(path, 'r');
    try {
      return await readAt(handle, offset, length, path);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw asCheckpointError(error, path);
  }
}
