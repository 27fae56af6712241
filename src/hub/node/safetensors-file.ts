/** Safetensors files on disk: read tensor by tensor, written in a stream. */
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { CheckpointError, elementCount } from '../../core/index.ts';
import type { HostTensor } from '../../core/index.ts';
import { writeFileAtomic } from '../../core/node/files.ts';
import { parseHeader, planSafetensors, readHeaderLength, tensorBytes, toTensor } from '../safetensors.ts';
import type { SafetensorsHeader, TensorDescription } from '../safetensors.ts';
import { asCheckpointError } from './file-errors.ts';
import { statFile } from './json-file.ts';

/** An open file. Only the header is in memory; each tensor is read when it is asked for. */
export class SafetensorsFile {
  readonly path: string;
  readonly header: SafetensorsHeader;
  readonly #handle: FileHandle;

  private constructor(path: string, header: SafetensorsHeader, handle: FileHandle) {
    this.path = path;
    this.header = header;
    this.#handle = handle;
  }

  /** @throws CheckpointError when the file is absent or its header is wrong */
  static async open(path: string): Promise<SafetensorsFile> {
    const { size } = await statFile(path);
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, 'r');
      const headerLength = readHeaderLength(await readAt(handle, 0, Math.min(8, size), path), size, path);
      const header = parseHeader(await readAt(handle, 8, headerLength, path), size, path);
      return new SafetensorsFile(path, header, handle);
    } catch (error) {
      await handle?.close();
      throw asCheckpointError(error, path);
    }
  }

  /**
   * Reads one tensor into memory of its own.
   * @throws CheckpointError when there is none of that name or the file has become shorter
   */
  async read(name: string): Promise<HostTensor> {
    const entry = this.header.tensors.get(name);
    if (entry === undefined) throw missingTensor(name, this.header.tensors.keys(), this.path);
    return toTensor(entry, await readAt(this.#handle, entry.offset, entry.byteLength, this.path), this.path);
  }

  /**
   * Reads bytes of one tensor into memory of the caller's.
   * @param start bytes from the tensor's first one
   * @throws CheckpointError when there is none of that name, it has no such bytes, or the file has become shorter
   */
  async readBytes(name: string, start: number, into: Uint8Array): Promise<void> {
    const entry = this.header.tensors.get(name);
    if (entry === undefined) throw missingTensor(name, this.header.tensors.keys(), this.path);
    if (start < 0 || start + into.length > entry.byteLength)
      throw new CheckpointError(`${this.path}: tensor ${name} has no bytes ${start} to ${start + into.length}`);
    await fill(this.#handle, entry.offset + start, into, this.path);
  }

  /** Reads every tensor, in the order of the file. */
  async readAll(): Promise<Map<string, HostTensor>> {
    const tensors = new Map<string, HostTensor>();
    for (const name of this.header.tensors.keys()) tensors.set(name, await this.read(name));
    return tensors;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

/** Opens a file, reads all of it and closes it. */
export async function readSafetensors(path: string): Promise<Map<string, HostTensor>> {
  const file = await SafetensorsFile.open(path);
  try {
    return await file.readAll();
  } finally {
    await file.close();
  }
}

/** A tensor to be written; its contents are asked for when their turn comes, so that only one is in memory. */
export interface TensorSource extends TensorDescription {
  readonly read: () => HostTensor | Promise<HostTensor>;
}

/** Tensors in memory as sources. */
export function tensorSources(tensors: Iterable<readonly [string, HostTensor]>): TensorSource[] {
  return [...tensors].map(([name, tensor]) => ({
    name,
    dtype: tensor.dtype,
    shape: tensor.shape,
    read: () => tensor,
  }));
}

/**
 * Writes a file atomically, tensor by tensor, in an order that depends on names and types alone.
 * @throws CheckpointError when the disk is full, a name is given twice, or a source gives another type or shape than
 *   it announced; nothing is left behind then
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorSource[],
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  try {
    await writeFileAtomic(path, safetensorsChunks(tensors, metadata));
  } catch (error) {
    throw asCheckpointError(error, path);
  }
}

/** The bytes of a file, one tensor after another. */
export async function* safetensorsChunks(
  tensors: readonly TensorSource[],
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array> {
  const { head, order } = planSafetensors(tensors, metadata);
  yield head;
  for (const source of order) {
    const tensor = await source.read();
    const asAnnounced = tensor.dtype === source.dtype && tensor.shape.join() === source.shape.join();
    if (!asAnnounced || tensor.data.length !== elementCount(source.shape)) {
      throw new CheckpointError(
        `tensor ${source.name} was announced as ${source.dtype}[${source.shape.join(', ')}] and came as ` +
          `${tensor.dtype}[${tensor.shape.join(', ')}]`,
      );
    }
    yield tensorBytes(tensor);
  }
}

/** The error for a name that a checkpoint lacks, with the nearest names that it has. */
export function missingTensor(name: string, names: Iterable<string>, where: string): CheckpointError {
  const last = name.split('.').slice(-2).join('.');
  const near = [...names]
    .filter((other) => other.endsWith(last))
    .slice(0, 3)
    .map(shorten);
  const hint = near.length > 0 ? `it has ${near.join(', ')}` : 'is this the checkpoint of another model?';
  return new CheckpointError(`${where}: no tensor named ${shorten(name)}`, hint);
}

function shorten(name: string): string {
  return name.length > 160 ? `${name.slice(0, 157)}…` : name;
}

/** Reads exactly `length` bytes. */
export async function readAt(handle: FileHandle, position: number, length: number, path: string): Promise<Uint8Array> {
  // Large buffers of their own: a tensor keeps its buffer alive, and a shared pool would keep strangers alive with it.
  const bytes = new Uint8Array(length);
  await fill(handle, position, bytes, path);
  return bytes;
}

async function fill(handle: FileHandle, position: number, bytes: Uint8Array, path: string): Promise<void> {
  const { length } = bytes;
  let done = 0;
  while (done < length) {
    const step = Math.min(length - done, 256 * 1024 * 1024);
    const { bytesRead } = await handle.read(bytes, done, step, position + done);
    if (bytesRead === 0) {
      throw new CheckpointError(
        `${path}: the file ends at byte ${position + done}, ${length - done} are missing`,
        'fetch it again',
      );
    }
    done += bytesRead;
  }
}
