/** Safetensors files of a checkpoint, written in any order: one file, or shards with an index, named as the Hub does. */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { byteSize, CheckpointError, elementCount } from '../../core/index.ts';
import { writeFileAtomic } from '../../core/node/files.ts';
import { planSafetensors, type TensorDescription } from '../safetensors.ts';
import { INDEX_FILE, WEIGHTS_FILE } from './weights.ts';

/** Largest shard by default, as in Transformers. */
export const MAX_SHARD_BYTES = 5e9;

/** Bytes of a tensor's data. */
export function tensorByteLength({ dtype, shape }: Pick<TensorDescription, 'dtype' | 'shape'>): number {
  return elementCount(shape) * byteSize(dtype);
}

/**
 * Which tensors go into which file, in the order given; a tensor larger than the limit gets a file of its own.
 * @returns tensors by name of the file
 */
export function planShards(
  tensors: readonly TensorDescription[],
  maxBytes: number,
): ReadonlyMap<string, readonly TensorDescription[]> {
  const shards: TensorDescription[][] = [[]];
  let filled = 0;
  for (const tensor of tensors) {
    const bytes = tensorByteLength(tensor);
    if (filled > 0 && filled + bytes > maxBytes) {
      shards.push([]);
      filled = 0;
    }
    shards.at(-1)!.push(tensor);
    filled += bytes;
  }
  if (shards.length === 1) return new Map([[WEIGHTS_FILE, shards[0]!]]);
  const five = (count: number): string => String(count).padStart(5, '0');
  return new Map(shards.map((shard, i) => [`model-${five(i + 1)}-of-${five(shards.length)}.safetensors`, shard]));
}

interface Place {
  readonly file: FileHandle;
  readonly offset: number;
  readonly byteLength: number;
}

/** The files while they are being written. Nothing is kept in memory. */
export class ShardWriter {
  readonly #files: readonly FileHandle[];
  readonly #places: ReadonlyMap<string, Place>;
  #missing: number;

  private constructor(files: readonly FileHandle[], places: ReadonlyMap<string, Place>) {
    this.#files = files;
    this.#places = places;
    this.#missing = [...places.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /**
   * Makes the files in an empty folder, with their headers, and the index.
   * @throws CheckpointError when a name is given twice
   */
  static async create(
    folder: string,
    tensors: readonly TensorDescription[],
    { maxShardBytes = MAX_SHARD_BYTES, metadata = {} }: { maxShardBytes?: number; metadata?: Record<string, string> },
  ): Promise<ShardWriter> {
    const shards = planShards(tensors, maxShardBytes);
    const files: FileHandle[] = [];
    const places = new Map<string, Place>();
    try {
      for (const [name, members] of shards) {
        const file = await open(join(folder, name), 'wx');
        files.push(file);
        const { head, order } = planSafetensors(members, { format: 'pt', ...metadata });
        await file.write(head, 0, head.length, 0);
        let offset = head.length;
        for (const tensor of order) {
          if (places.has(tensor.name)) throw new CheckpointError(`cannot write two tensors named ${tensor.name}`);
          const byteLength = tensorByteLength(tensor);
          places.set(tensor.name, { file, offset, byteLength });
          offset += byteLength;
        }
      }
      if (shards.size > 1) await writeFileAtomic(join(folder, INDEX_FILE), indexOf(shards));
      return new ShardWriter(files, places);
    } catch (error) {
      for (const file of files) await file.close();
      throw error;
    }
  }

  /** Writes bytes of a tensor. @param start bytes from its first one; every byte is to be written once */
  async write(name: string, start: number, bytes: Uint8Array): Promise<void> {
    const place = this.#places.get(name);
    if (place === undefined || start < 0 || start + bytes.length > place.byteLength)
      throw new CheckpointError(`tensor ${name} has no room for bytes ${start} to ${start + bytes.length}`);
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await place.file.write(bytes, done, bytes.length - done, place.offset + start + done);
      done += bytesWritten;
    }
    this.#missing -= bytes.length;
  }

  /** Forces everything to the disk. @throws CheckpointError when bytes are missing */
  async finish(): Promise<void> {
    if (this.#missing !== 0) throw new CheckpointError(`${this.#missing} bytes of the tensors were not written`);
    for (const file of this.#files) await file.sync();
  }

  async close(): Promise<void> {
    for (const file of this.#files) await file.close();
  }
}

function indexOf(shards: ReadonlyMap<string, readonly TensorDescription[]>): string {
  const total = [...shards.values()].flat().reduce((sum, tensor) => sum + tensorByteLength(tensor), 0);
  const map = [...shards].flatMap(([file, tensors]) => tensors.map(({ name }) => [name, file] as const));
  const index = { metadata: { total_size: total }, weight_map: Object.fromEntries(map) };
  return `${JSON.stringify(index, null, 2)}\n`;
}
