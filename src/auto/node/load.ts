import { CheckpointError } from '../../core/index.ts';
import { Decoding, PictureEncoder } from '../../generate/index.ts';
import type { FetchOptions } from '../../hub/node/index.ts';
import { readsPictures } from '../../models/index.ts';
import { createRuntime, type NodeDevice } from '../../runtime/node/index.ts';
import type { Runtime } from '../../runtime/types.ts';
import type { GeneratingArchitecture } from '../architectures.ts';
import { LanguageModel } from '../language-model.ts';
import { type OpenModel, openModel } from './open-model.ts';
import { resolveModel } from './resolve.ts';

/** How a model is loaded. */
export interface LoadOptions extends FetchOptions {
  /** Default `cpu`. */
  readonly device?: NodeDevice;
  /** Threads within an operator; all processors unless told. */
  readonly threads?: number;
}

/** A model that is ready to run, told apart by `kind`. */
export type LoadedModel = LanguageModel;

/**
 * Loads a model straight from its files and makes it ready to run.
 * @param name `./folder`, or `owner/name` of the Hub, which is fetched unless it is in the cache
 * @throws CheckpointError naming the file and what is wrong with it, TensorAccountError when weights do not fit
 *   config.json, DeviceError when the device is not there
 */
export async function load(name: string, options: LoadOptions = {}): Promise<LoadedModel> {
  const opened = await openModel(await resolveModel(name, options));
  const { device, threads } = options;
  const runtime = await createRuntime({
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    const { architecture } = opened;
    switch (architecture.kind) {
      case 'generating':
        return await languageModel(name, runtime, opened, architecture);
      default:
        throw new CheckpointError(`${name}: nothing to run`);
    }
  } catch (error) {
    await runtime.dispose();
    throw error;
  }
}

async function languageModel(
  name: string,
  runtime: Runtime,
  { tokenizer, files, weights, generation, stopTokens }: OpenModel,
  { model, processor }: GeneratingArchitecture,
): Promise<LanguageModel> {
  if (tokenizer === undefined) throw new CheckpointError(`${name} has no tokenizer.json`, 'fetch the checkpoint again');
  const seeing = readsPictures(model)
    ? { encoder: await PictureEncoder.create(runtime, model, weights), processor: processor!(files, tokenizer) }
    : {};
  const decoding = await Decoding.create(runtime, model, weights);
  return new LanguageModel({ name, decoding, tokenizer, generation, stopTokens, ...seeing }, () => runtime.dispose());
}
