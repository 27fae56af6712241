import { CheckpointError } from '../../core/index.ts';
import { Decoding, PictureEncoder } from '../../generate/index.ts';
import type { QuantizationSettings } from '../../hub/index.ts';
import { type FetchOptions, quantizedFolder } from '../../hub/node/index.ts';
import { readsPictures, SensoriumVL } from '../../models/index.ts';
import { createRuntime, type NodeDevice } from '../../runtime/node/index.ts';
import type { Runtime } from '../../runtime/types.ts';
import type { BlipArchitecture, GeneratingArchitecture, PairArchitecture } from '../architectures.ts';
import { blipProcessor, CaptionModel, MatchModel, QuestionModel } from '../blip-model.ts';
import { LanguageModel } from '../language-model.ts';
import type { LoadedModel } from '../loaded.ts';
import { PairModel } from '../pair-model.ts';
import { createPictureProcessor, createProcessor } from '../processors.ts';
import { VectorSpace } from '../vector-space.ts';
import { type OpenModel, openModel } from './open-model.ts';
import { resolveModel } from './resolve.ts';

/** How a model is loaded. */
export interface LoadOptions extends FetchOptions {
  /**
   * Type that weights are computed with; `float32` unless told. With the others a copy is made of the language model's
   * matrices in blocks of few bits, once, which is kept beside the Hub's cache.
   */
  readonly dtype?: 'float32' | 'int8' | 'int4';
  /** Which parts of the model have other types, and how blocks are made; for `int8` and `int4`. */
  readonly quantization?: QuantizationSettings;
  /** Default `cpu`. */
  readonly device?: NodeDevice;
  /** Threads within an operator; all processors unless told. */
  readonly threads?: number;
}

/**
 * Loads a model straight from its files and makes it ready to run.
 * @param name `./folder`, or `owner/name` of the Hub, which is fetched unless it is in the cache
 * @throws CheckpointError naming the file and what is wrong with it, TensorAccountError when weights do not fit
 *   config.json, DeviceError when the device is not there
 */
export async function load(name: string, options: LoadOptions = {}): Promise<LoadedModel> {
  const { device, threads } = options;
  const opened = await openModel(await withType(await resolveModel(name, options), options));
  const runtime = await createRuntime({
    ...(device === undefined ? {} : { device }),
    ...(threads === undefined ? {} : { threads }),
  });
  try {
    const { architecture } = opened;
    switch (architecture.kind) {
      case 'generating':
        return await languageModel(name, runtime, opened, architecture);
      case 'pair':
        return await pairModel(name, runtime, opened, architecture);
      case 'captioner':
      case 'question':
      case 'matcher':
        return await blipModel(name, runtime, opened, architecture);
      case 'vision':
      case 'text':
        throw new CheckpointError(
          `${name} is an encoder, which gives no answers by itself`,
          'use it as a part of another model, or load CLIP or SigLIP to compare pictures and texts',
        );
    }
  } catch (error) {
    await runtime.dispose();
    throw error;
  }
}

/** The folder itself, or one with its weights in few bits. */
async function withType(folder: string, options: LoadOptions): Promise<string> {
  const { dtype = 'float32', quantization, environment, progress } = options;
  if (dtype === 'float32') return folder;
  return quantizedFolder(
    folder,
    { ...quantization, default: dtype },
    {
      ...(environment === undefined ? {} : { environment }),
      ...(progress === undefined ? {} : { progress: (done, total) => progress(`${dtype} copy`, done, total) }),
    },
  );
}

async function languageModel(
  name: string,
  runtime: Runtime,
  { tokenizer, files, weights, generation, stopTokens }: OpenModel,
  { model, names }: GeneratingArchitecture,
): Promise<LanguageModel> {
  if (tokenizer === undefined) throw new CheckpointError(`${name} has no tokenizer.json`, 'fetch the checkpoint again');
  const processor = readsPictures(model) ? createProcessor(files.config, files, tokenizer) : undefined;
  const seeing =
    readsPictures(model) && processor !== undefined
      ? { encoder: await PictureEncoder.create(runtime, model, weights), processor }
      : {};
  const comparing =
    model instanceof SensoriumVL && processor !== undefined
      ? { space: new VectorSpace(runtime, model, weights, tokenizer, processor) }
      : {};
  const decoding = await Decoding.create(runtime, model, weights);
  const source = { model, weights, names, runtime };
  const parts = { name, decoding, tokenizer, generation, stopTokens, source, ...seeing, ...comparing };
  return new LanguageModel(parts, () => runtime.dispose());
}

async function pairModel(
  name: string,
  runtime: Runtime,
  { tokenizer, files, weights }: OpenModel,
  { model }: PairArchitecture,
): Promise<PairModel> {
  if (tokenizer === undefined) throw new CheckpointError(`${name} has no tokenizer.json`, 'fetch the checkpoint again');
  const pictures = createPictureProcessor(files.config, files);
  return PairModel.create(name, { runtime, model, weights, tokenizer, pictures });
}

async function blipModel(
  name: string,
  runtime: Runtime,
  { tokenizer, files, weights }: OpenModel,
  architecture: BlipArchitecture,
): Promise<LoadedModel> {
  if (tokenizer === undefined) throw new CheckpointError(`${name} has no tokenizer.json`, 'fetch the checkpoint again');
  const processor = blipProcessor(files, tokenizer, architecture.model.config);
  const parts = { name, runtime, weights, tokenizer, processor };
  switch (architecture.kind) {
    case 'captioner':
      return CaptionModel.create(architecture.model, parts);
    case 'question':
      return QuestionModel.create(architecture.model, parts);
    case 'matcher':
      return MatchModel.create(architecture.model, parts);
  }
}
