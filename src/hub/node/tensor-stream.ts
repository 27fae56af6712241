/** Tensors as streams of bytes, so that saving takes the memory of a few pieces and not that of a model. */
import {
  byteSize,
  CheckpointError,
  convertFloats,
  isWeightDType,
  viewArray,
  type WeightDType,
} from '../../core/index.ts';
import { tensorBytes, type TensorDescription } from '../safetensors.ts';
import type { TensorSource } from './safetensors-file.ts';
import type { Weights } from './weights.ts';

/** Bytes of a piece; a multiple of every element's size. */
export const PIECE_BYTES: number = 8 * 1024 * 1024;

/** A tensor whose bytes come in pieces. */
export interface TensorStream extends TensorDescription {
  /** Little-endian, row by row. A piece is valid until the next one is asked for, and holds whole elements. */
  readonly pieces: () => AsyncIterable<Uint8Array>;
}

/** A tensor that is read as a whole when its turn comes. */
export function streamOf(source: TensorSource): TensorStream {
  const { name, dtype, shape, read } = source;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    const tensor = await read();
    if (tensor.dtype !== dtype || tensor.shape.join() !== shape.join())
      throw new CheckpointError(
        `tensor ${name} was announced as ${dtype}[${shape.join(', ')}] and came as ` +
          `${tensor.dtype}[${tensor.shape.join(', ')}]`,
      );
    yield tensorBytes(tensor);
  }
  return { name, dtype, shape, pieces };
}

/** All tensors of a checkpoint as they lie in its files, matrices in few bits by their parts. */
export function weightStreams(weights: Weights): TensorStream[] {
  return weights.stored.map(({ name, dtype, shape, byteLength }) => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, byteLength));
      for (let start = 0; start < byteLength; start += piece.length) {
        const part = piece.subarray(0, Math.min(piece.length, byteLength - start));
        await weights.readBytes(name, start, part);
        yield part;
      }
    }
    return { name, dtype, shape, pieces };
  });
}

/** The same tensor in another floating type; tensors of other types are left as they are. */
export function convertStream(stream: TensorStream, to: WeightDType): TensorStream {
  const { name, dtype, shape } = stream;
  if (!isWeightDType(dtype) || dtype === to) return stream;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for await (const piece of stream.pieces()) {
      const numbers = viewArray(dtype as WeightDType, piece.buffer, piece.byteOffset, piece.length / byteSize(dtype));
      const { buffer, byteOffset, byteLength } = convertFloats(dtype as WeightDType, to, numbers);
      yield new Uint8Array(buffer, byteOffset, byteLength);
    }
  }
  return { name, dtype: to, shape, pieces };
}
