/** The weights of a checkpoint folder, in one file or in shards, behind one interface. */
import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError } from '../../core/index.ts';
import type { HostTensor } from '../../core/index.ts';
import type { TensorEntry } from '../safetensors.ts';
import { parseShardedIndex } from '../sharded-index.ts';
import { asCheckpointError } from './file-errors.ts';
import { readJsonObject } from './json-file.ts';
import { missingTensor, SafetensorsFile } from './safetensors-file.ts';

export const WEIGHTS_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';
const MAX_INDEX_BYTES = 64 * 1024 * 1024;

/** Where a tensor lies on disk, as the external data of an ONNX graph needs it. */
export interface WeightLocation extends TensorEntry {
  /** Real path of the file: symbolic links are resolved, because the engine refuses them. */
  readonly path: string;
}

/** Open weights of a checkpoint folder. */
export class Weights {
  readonly folder: string;
  readonly #files: readonly SafetensorsFile[];
  readonly #fileOf: ReadonlyMap<string, SafetensorsFile>;

  private constructor(folder: string, files: readonly SafetensorsFile[], fileOf: ReadonlyMap<string, SafetensorsFile>) {
    this.folder = folder;
    this.#files = files;
    this.#fileOf = fileOf;
  }

  /**
   * Opens `model.safetensors`, or else the shards that `model.safetensors.index.json` names.
   * @param resolve gives the real path of a file, or throws where it may not be read; follows every link by default
   * @throws CheckpointError when neither is there, a header is wrong, a shard is absent or lacks a tensor
   */
  static async open(folder: string, resolve: (path: string) => Promise<string> = followLinks): Promise<Weights> {
    if (existsSync(join(folder, WEIGHTS_FILE))) {
      const file = await SafetensorsFile.open(await resolve(join(folder, WEIGHTS_FILE)));
      return new Weights(folder, [file], new Map([...file.header.tensors.keys()].map((name) => [name, file])));
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
      return new Weights(folder, [...files.values()], fileOf);
    } catch (error) {
      for (const file of files.values()) await file.close();
      throw error;
    }
  }

  /** Names of all tensors. */
  get names(): readonly string[] {
    return [...this.#fileOf.keys()];
  }

  has(name: string): boolean {
    return this.#fileOf.has(name);
  }

  /** @throws CheckpointError when there is no tensor of that name */
  location(name: string): WeightLocation {
    const file = this.#file(name);
    return { ...file.header.tensors.get(name)!, path: file.path };
  }

  /** Metadata of the first file. */
  get metadata(): Readonly<Record<string, string>> {
    return this.#files[0]?.header.metadata ?? {};
  }

  /** Reads one tensor. @throws CheckpointError when there is none of that name */
  async read(name: string): Promise<HostTensor> {
    return this.#file(name).read(name);
  }

  async readAll(): Promise<Map<string, HostTensor>> {
    const tensors = new Map<string, HostTensor>();
    for (const name of this.#fileOf.keys()) tensors.set(name, await this.read(name));
    return tensors;
  }

  async close(): Promise<void> {
    for (const file of this.#files) await file.close();
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
