/** The weights of a checkpoint folder, in one file or in shards, behind one interface. */
import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError, hostTensor } from '../../core/index.ts';
import type { HostTensor } from '../../core/index.ts';
import { type BlockFormat, dequantizeRows, partsOf, type QuantizedMatrix } from '../quantize/index.ts';
import type { TensorEntry } from '../safetensors.ts';
import { parseShardedIndex } from '../sharded-index.ts';
import { asCheckpointError } from './file-errors.ts';
import { readJsonObject } from './json-file.ts';
import { missingTensor, SafetensorsFile } from './safetensors-file.ts';

export const WEIGHTS_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';
const MAX_INDEX_BYTES = 64 * 1024 * 1024;
const REMEDY = 'config.json and weights must be of one checkpoint; write it again';

/** Where a tensor lies on disk, as the external data of an ONNX graph needs it. */
export interface WeightLocation extends TensorEntry {
  /** Real path of the file: symbolic links are resolved, because the engine refuses them. */
  readonly path: string;
  /** Set for a matrix in few bits: type and shape are then those of the matrix, the place that of its packed numbers. */
  readonly quantized?: {
    readonly format: BlockFormat;
    readonly scales: WeightLocation;
    readonly zeroPoints?: WeightLocation;
  };
}

/**
 * Open weights of a checkpoint folder. A matrix that is kept in few bits has its own name, not those of its parts; read, it
 * is float32.
 */
export class Weights {
  readonly folder: string;
  readonly #files: readonly SafetensorsFile[];
  /** By the names in the files. */
  readonly #fileOf: ReadonlyMap<string, SafetensorsFile>;
  readonly #quantized: ReadonlyMap<string, QuantizedMatrix>;
  readonly #names: readonly string[];

  private constructor(
    folder: string,
    files: readonly SafetensorsFile[],
    fileOf: ReadonlyMap<string, SafetensorsFile>,
    quantized: ReadonlyMap<string, QuantizedMatrix>,
  ) {
    this.folder = folder;
    this.#files = files;
    this.#fileOf = fileOf;
    this.#quantized = quantized;
    const parts = new Set([...quantized].flatMap(([name, matrix]) => partsOf(name, matrix).map((part) => part.name)));
    this.#names = [...[...fileOf.keys()].filter((name) => !parts.has(name)), ...quantized.keys()];
    for (const [name, matrix] of quantized) this.#checkParts(name, matrix);
  }

  /**
   * Opens `model.safetensors`, or else the shards that `model.safetensors.index.json` names.
   * @param resolve gives the real path of a file, or throws where it may not be read; follows every link by default
   * @param quantized matrices that are kept in few bits, as `parseQuantization` reads them of config.json
   * @throws CheckpointError when neither is there, a header is wrong, a shard is absent or lacks a tensor
   */
  static async open(
    folder: string,
    resolve: (path: string) => Promise<string> = followLinks,
    quantized: ReadonlyMap<string, QuantizedMatrix> = new Map(),
  ): Promise<Weights> {
    if (existsSync(join(folder, WEIGHTS_FILE))) {
      const file = await SafetensorsFile.open(await resolve(join(folder, WEIGHTS_FILE)));
      const fileOf = new Map([...file.header.tensors.keys()].map((name) => [name, file]));
      try {
        return new Weights(folder, [file], fileOf, quantized);
      } catch (error) {
        await file.close();
        throw error;
      }
    }
    const index = join(folder, INDEX_FILE);
    if (!existsSync(index)) {
      throw new CheckpointError(
        `${folder}: neither ${WEIGHTS_FILE} nor ${INDEX_FILE}`,
        'name the folder of a checkpoint in safetensors format',
      );
    }
    const shardOf = parseShardedIndex(await readJsonObject(await resolve(index), MAX_INDEX_BYTES), index);
    const files = new Map<string, SafetensorsFile>();
    try {
      const fileOf = new Map<string, SafetensorsFile>();
      for (const [name, shard] of shardOf) {
        const file = files.get(shard) ?? (await SafetensorsFile.open(await resolve(join(folder, shard))));
        files.set(shard, file);
        if (!file.header.tensors.has(name)) throw missingTensor(name, file.header.tensors.keys(), file.path);
        fileOf.set(name, file);
      }
      return new Weights(folder, [...files.values()], fileOf, quantized);
    } catch (error) {
      for (const file of files.values()) await file.close();
      throw error;
    }
  }

  /** Names of all tensors. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** All tensors as they lie in the files, those of matrices in few bits by their parts. */
  get stored(): readonly TensorEntry[] {
    return [...this.#fileOf].map(([name, file]) => file.header.tensors.get(name)!);
  }

  /** Those that are kept in few bits. */
  get quantized(): ReadonlyMap<string, QuantizedMatrix> {
    return this.#quantized;
  }

  has(name: string): boolean {
    return this.#quantized.has(name) || this.#fileOf.has(name);
  }

  /** @throws CheckpointError when there is no tensor of that name */
  location(name: string): WeightLocation {
    const matrix = this.#quantized.get(name);
    if (matrix === undefined) {
      const file = this.#file(name);
      return { ...file.header.tensors.get(name)!, path: file.path };
    }
    const { shape, ...format } = matrix;
    const [packed, scales, zeroPoints] = partsOf(name, matrix).map((part) => this.location(part.name));
    const quantized = { format, scales: scales!, ...(zeroPoints === undefined ? {} : { zeroPoints }) };
    return { ...packed!, name, dtype: 'float32', shape, quantized };
  }

  /** Metadata of the first file. */
  get metadata(): Readonly<Record<string, string>> {
    return this.#files[0]?.header.metadata ?? {};
  }

  /** Reads one tensor. @throws CheckpointError when there is none of that name */
  async read(name: string): Promise<HostTensor> {
    const matrix = this.#quantized.get(name);
    if (matrix === undefined) return this.#file(name).read(name);
    const [packed, scales, zeroPoints] = await Promise.all(partsOf(name, matrix).map((part) => this.read(part.name)));
    const rows = {
      packed: packed!.data as Uint8Array,
      scales: scales!.data as Float32Array,
      zeroPoints: zeroPoints?.data as Uint8Array | undefined,
    };
    return hostTensor('float32', matrix.shape, dequantizeRows(rows, matrix.shape[1], matrix));
  }

  /** Bytes of a part of a tensor that is not quantized, into memory of the caller's. */
  async readBytes(name: string, start: number, into: Uint8Array): Promise<void> {
    await this.#file(name).readBytes(name, start, into);
  }

  async readAll(): Promise<Map<string, HostTensor>> {
    const tensors = new Map<string, HostTensor>();
    for (const name of this.#names) tensors.set(name, await this.read(name));
    return tensors;
  }

  async close(): Promise<void> {
    for (const file of this.#files) await file.close();
  }

  #checkParts(name: string, matrix: QuantizedMatrix): void {
    if (this.#fileOf.has(name))
      throw new CheckpointError(`${this.folder}: ${name} is there twice, in full and in few bits`, REMEDY);
    for (const { name: part, dtype, shape } of partsOf(name, matrix)) {
      const found = this.#file(part).header.tensors.get(part)!;
      if (found.dtype !== dtype || found.shape.join() !== shape.join())
        throw new CheckpointError(
          `${this.folder}: ${part} is ${found.dtype}[${found.shape.join(', ')}], config.json asks for ` +
            `${dtype}[${shape.join(', ')}]`,
          REMEDY,
        );
    }
  }

  #file(name: string): SafetensorsFile {
    const file = this.#fileOf.get(name);
    if (file === undefined) throw missingTensor(name, this.#fileOf.keys(), this.folder);
    return file;
  }
}

async function followLinks(path: string): Promise<string> {
  return realpath(path).catch((error: unknown) => {
    throw asCheckpointError(error, path);
  });
}
