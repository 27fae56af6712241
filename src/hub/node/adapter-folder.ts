/** Folders with an adapter, as PEFT reads and writes them. */
import { existsSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError, hostTensor, type HostTensor, toFloat32, type WeightDType } from '../../core/index.ts';
import { writeFileAtomic } from '../../core/node/files.ts';
import type { ExpectedTensor, NamingRules } from '../account.ts';
import {
  ADAPTER_CONFIG,
  ADAPTER_WEIGHTS,
  adapterConfig,
  type AdapterLayer,
  adapterLayers,
  type AdapterSettings,
  parseAdapterConfig,
} from '../adapter.ts';
import { confined } from './confine.ts';
import { asCheckpointError } from './file-errors.ts';
import { writeFolder } from './fresh-folder.ts';
import { readJsonObject } from './json-file.ts';
import { SafetensorsFile, tensorSources, writeSafetensors } from './safetensors-file.ts';

const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/** The numbers of one changed layer: y = x (W + s B A)ᵀ, of which the rows have the lengths of `magnitude` where it is there. */
export interface AdapterMatrices extends Pick<AdapterLayer, 'rank' | 'alpha' | 'scaling'> {
  /** [R, D] */
  readonly a: HostTensor<'float32'>;
  /** [E, R] */
  readonly b: HostTensor<'float32'>;
  /** [E] */
  readonly magnitude?: HostTensor<'float32'>;
}

/** An adapter that was read. */
export interface StoredAdapter {
  readonly settings: AdapterSettings;
  /** By path of the layer in the model. */
  readonly layers: ReadonlyMap<string, AdapterMatrices>;
}

/**
 * Reads the folder of an adapter for one model.
 * @param expected parameters of the model by path  @param rules how files of the model name them
 * @throws CheckpointError when a file is absent, damaged, of another model, or asks for what is not supported
 */
export async function readAdapter(
  path: string,
  expected: ReadonlyMap<string, ExpectedTensor>,
  rules: NamingRules,
): Promise<StoredAdapter> {
  const folder = await realpath(path).catch((error: unknown) => {
    throw asCheckpointError(error, path);
  });
  if (!(await stat(folder)).isDirectory())
    throw new CheckpointError(`${path} is not a folder`, `name the folder with ${ADAPTER_CONFIG}`);
  if (!existsSync(join(folder, ADAPTER_WEIGHTS)) && existsSync(join(folder, 'adapter_model.bin')))
    throw new CheckpointError(
      `${path}: adapter_model.bin is a pickle, which could run programs, and is not read`,
      'save the adapter anew with PEFT, which writes adapter_model.safetensors',
    );
  const config = await confined(folder, join(folder, ADAPTER_CONFIG));
  const settings = parseAdapterConfig(await readJsonObject(config, MAX_CONFIG_BYTES), join(path, ADAPTER_CONFIG));
  const file = await SafetensorsFile.open(await confined(folder, join(folder, ADAPTER_WEIGHTS)));
  try {
    const where = join(path, ADAPTER_WEIGHTS);
    const found = adapterLayers(settings, file.header.tensors.values(), expected, rules, where);
    const layers = new Map<string, AdapterMatrices>();
    const read = async (name: string): Promise<HostTensor<'float32'>> => {
      const { dtype, shape, data } = await file.read(name);
      const numbers = hostTensor('float32', shape, toFloat32(dtype as WeightDType, data as Float32Array));
      if (!numbers.data.every(Number.isFinite))
        throw new CheckpointError(`${where}: ${name.slice(0, 200)} holds numbers that are not finite`, 'train it anew');
      return numbers;
    };
    for (const [layer, { a, b, magnitude, rank, alpha, scaling }] of found)
      layers.set(layer, {
        a: await read(a),
        b: await read(b),
        rank,
        alpha,
        scaling,
        ...(magnitude === undefined ? {} : { magnitude: await read(magnitude) }),
      });
    return { settings, layers };
  } finally {
    await file.close();
  }
}

/**
 * Writes an adapter so that PEFT and {@link readAdapter} read it.
 * @param tensors by PEFT's names
 * @throws CheckpointError when something else is in the folder, an adapter is and may not be replaced, or the disk is full
 */
export async function writeAdapter(
  path: string,
  settings: AdapterSettings,
  tensors: ReadonlyMap<string, HostTensor>,
  options: { readonly overwrite?: boolean } = {},
): Promise<void> {
  const isOwn = (name: string): boolean => [ADAPTER_CONFIG, ADAPTER_WEIGHTS, 'README.md'].includes(name);
  await writeFolder(path, { overwrite: options.overwrite === true, isOwn }, async (fresh) => {
    await writeSafetensors(join(fresh, ADAPTER_WEIGHTS), tensorSources(tensors), { format: 'pt' });
    await writeFileAtomic(join(fresh, ADAPTER_CONFIG), `${JSON.stringify(adapterConfig(settings), null, 2)}\n`);
  });
}
