import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError, hostTensor, type HostTensor, isWeightDType, toFloat32, viewArray } from '../../core/index.ts';
import { dequantizeRows } from '../quantize/index.ts';
import { asCheckpointError } from './file-errors.ts';
import type { LocatedWeights, WeightPlace } from './locate.ts';

/**
 * One weight of a model, as float32 whatever its file holds.
 * @param name as in {@link LocatedWeights.places}
 * @throws CheckpointError when there is none of that name, or the file cannot be read
 */
export async function readLocated({ folder, places }: LocatedWeights, name: string): Promise<HostTensor<'float32'>> {
  const place = places.get(name);
  if (place === undefined) throw new CheckpointError(`${folder}: there is no weight ${name.slice(0, 200)}`);
  const { quantized, shape } = place;
  if (quantized === undefined) return hostTensor('float32', shape, await numbersAt(folder, place));
  const { bits, block, scales, zeroPoints } = quantized;
  const rows = {
    packed: await bytesAt(folder, place),
    scales: await numbersAt(folder, scales),
    zeroPoints: zeroPoints && (await bytesAt(folder, zeroPoints)),
  };
  const format = { bits, block, symmetric: zeroPoints === undefined };
  return hostTensor('float32', shape, dequantizeRows(rows, shape[1]!, format));
}

async function numbersAt(folder: string, place: WeightPlace): Promise<Float32Array> {
  const { dtype, shape } = place;
  if (!isWeightDType(dtype))
    throw new CheckpointError(`${join(folder, place.location)}: ${dtype} where numbers of a weight were expected`);
  const bytes = await bytesAt(folder, place);
  const count = shape.reduce((a, b) => a * b, 1);
  return toFloat32(dtype, viewArray(dtype, bytes.buffer, bytes.byteOffset, count));
}

async function bytesAt(folder: string, { location, offset, length }: WeightPlace): Promise<Uint8Array> {
  const path = join(folder, location);
  try {
    const handle = await open(path, 'r');
    try {
      const bytes = new Uint8Array(length);
      for (let done = 0; done < length;) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw new CheckpointError(`${path}: the file has become shorter`, 'fetch it again');
        done += bytesRead;
      }
      return bytes;
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw asCheckpointError(error, path);
  }
}
