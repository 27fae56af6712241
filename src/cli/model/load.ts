import process from 'node:process';
import type { LanguageModel, LoadedModel, WeightedAdapter } from '../../auto/index.ts';
import type { LoadOptions } from '../../auto/node/index.ts';
import { CheckpointError } from '../../core/index.ts';
import { createProgress, type Progress } from '../../core/node/index.ts';
import type { Picture } from '../../data/index.ts';
import { adapterFolder, loadOptions, type ModelOptions } from './options.ts';

/** Loads a model; what has to be fetched is shown by a bar on standard error. */
export async function loadModel(options: ModelOptions): Promise<LoadedModel> {
  // Only now, since it takes time.
  const { load } = await import('../../auto/node/index.ts');
  const { model, adapter = [] } = options;
  const bars = new FileBars();
  const given: LoadOptions = {
    progress: (file, received, size) => bars.show(file, received, size),
    ...loadOptions(options),
  };
  try {
    const loaded = await load(model, given);
    if (adapter.length > 0) await useAdapters(loaded, adapter.map(adapterFolder));
    return loaded;
  } finally {
    bars.done();
  }
}

async function useAdapters(
  model: LoadedModel,
  folders: readonly { readonly folder: string; readonly weight?: number }[],
): Promise<void> {
  const { loadAdapter } = await import('../../auto/node/index.ts');
  try {
    if (model.kind !== 'language')
      throw new CheckpointError(
        `${model.name} takes no adapters while it is loaded`,
        'merge them into it: sensorium adapter merge',
      );
    const adapters: WeightedAdapter[] = [];
    for (const { folder, weight = 1 } of folders) adapters.push({ adapter: await loadAdapter(model, folder), weight });
    await model.useAdapters(adapters);
  } catch (error) {
    await model.dispose();
    throw error;
  }
}

/** @throws CheckpointError when it is a model of another kind */
export async function loadLanguageModel(options: ModelOptions): Promise<LanguageModel> {
  const model = await loadModel(options);
  if (model.kind === 'language') return model;
  await model.dispose();
  throw new CheckpointError(
    `${options.model} does not converse`,
    'use a language model, such as SmolVLM or Qwen2.5-VL',
  );
}

/** Pictures by path, address or data URL. */
export async function openPictures(sources: readonly string[] = []): Promise<Picture[]> {
  if (sources.length === 0) return [];
  const { openPicture } = await import('../../data/node/index.ts');
  // Whoever types an address wants it fetched.
  return Promise.all(sources.map((source) => openPicture(source, { allowFetch: true })));
}

const MEBI = 2 ** 20;

/** One bar for each file that is fetched, in MiB. */
class FileBars {
  #file: string | undefined;
  #bar: Progress | undefined;

  show(file: string, received: number, size: number): void {
    if (file !== this.#file) {
      this.done();
      this.#file = file;
      this.#bar = createProgress({ total: Math.ceil(size / MEBI), label: file, stream: process.stderr });
    }
    this.#bar!.update({ step: Math.floor(received / MEBI), extra: { of: `${Math.ceil(size / MEBI)} MiB` } });
  }

  done(): void {
    this.#bar?.done();
    this.#bar = undefined;
    this.#file = undefined;
  }
}
