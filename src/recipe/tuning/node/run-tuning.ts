/**
 * A recipe for a model of pictures and texts, from beginning to end. The folder of a run:
 *
 *     recipe.yaml           as it was run
 *     first/                the model that a run with `model.create` begins with
 *     metrics.jsonl         a record for each step and evaluation
 *     checkpoints/          to go on from
 *     model/                the trained model, as `load` reads it
 *     concepts.safetensors  vectors of concepts, where the objectives have them
 *     result.json           what was spent and what came of it
 *     report.html           curves and facts as a page
 *     tensorboard/          event files, where they are asked for
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import {
  CheckpointError,
  elementCount,
  hostTensor,
  type HostTensor,
  isWeightDType,
  Random,
  toFloat32,
  TrainingError,
} from '../../../core/index.ts';
import { writeFileAtomic } from '../../../core/node/files.ts';
import { createModel, type ReadingArchitecture, readingModel } from '../../../auto/index.ts';
import { openModel, resolveModel } from '../../../auto/node/index.ts';
import { openLoader } from '../../../data/node/index.ts';
import { matchTensors } from '../../../hub/index.ts';
import {
  type JsonObject,
  openCheckpoint,
  readSafetensors,
  saveCheckpoint,
  tensorSources,
  writeSafetensors,
} from '../../../hub/node/index.ts';
import { SensoriumVL, stemPatches } from '../../../models/index.ts';
import { createRuntime } from '../../../runtime/node/index.ts';
import type { Runtime } from '../../../runtime/types.ts';
import { type ImageTextNetwork, ImageTextTraining, Trainer, type TrainingOutcome } from '../../../train/index.ts';
import { trainerOptions } from '../../build.ts';
import type { ConversationShape } from '../../conversations/dataset.ts';
import { CONVERSATIONS_MODULE, type ConversationsOptions } from '../../conversations/node/dataset.ts';
import { conceptsOf, textsOf } from '../../conversations/node/sources.ts';
import {
  defaultCacheFolder,
  forTrial,
  note,
  preparationReport,
  type RunOptions,
  settleOptions,
} from '../../node/run-recipe.ts';
import { settleBatch } from '../../node/settle-batch.ts';
import { checkRunFolder, discardEmptyRun, openRunFiles, type RunFiles } from '../../node/run-files.ts';
import { RunObserver } from '../../node/run-observer.ts';
import { groupsOf } from '../parts.ts';
import type { TuningRecipe } from '../types.ts';
import { heldHooks } from './held-hooks.ts';
import { createModelFolder } from './new-model.ts';

/** How a run ended. */
export interface TuningOutcome {
  readonly folder: string;
  readonly training: TrainingOutcome;
  /** Weights of the model. */
  readonly parameters: number;
  /** Folder of the trained model, unless the run was interrupted. */
  readonly model: string | undefined;
}

/** Before the paths of the model's own weights. */
export const NETWORK = 'network.';
const CONCEPTS = 'concepts.safetensors';
/** Tokens of a description that are compared. */
const CAPTION_LENGTH = 48;
/** Regions of a picture. */
const REGIONS = 6;

/**
 * Trains and writes the model.
 * @throws RecipeError, DataError, CheckpointError, TrainingError, DeviceError
 */
export async function runTuning(asked: TuningRecipe, options: RunOptions = {}): Promise<TuningOutcome> {
  const folder = asked.output;
  const resume = options.resume === true;
  await checkRunFolder(folder, resume);
  const recipe = await settleBatch(asked, settleOptions(options));
  const { model: section, data, objectives } = recipe;
  const trainer = trainerOptions(recipe, { model: section, data: { ...data, workers: null }, objectives });
  const files = await openRunFiles(recipe, trainer.identity, resume, note(options.stream));
  let observer: RunObserver | undefined;
  try {
    observer = await RunObserver.open({ ...options, folder, metrics: files.metrics });
    const start = await startFolder(recipe, options);
    const opened = await openModel(start);
    // A new tree, since the weights of the opened one know their paths already, without the objective around them.
    const architecture = readingModel(createModel(opened.files.config, start), start);
    const runtime = await createRuntime(recipe.train.threads === undefined ? {} : { threads: recipe.train.threads });
    try {
      const trained = await train({
        ...files,
        recipe,
        options,
        start,
        config: opened.files.config,
        architecture,
        runtime,
        observer,
      });
      const { model: weights, concepts } = split(trained.weights);
      const parameters = Object.values(weights).reduce((sum, { shape }) => sum + elementCount(shape), 0);
      const outcome = { folder, training: trained.outcome, parameters };
      if (trained.outcome.ended === 'interrupted' || options.trial !== undefined)
        return { ...outcome, model: undefined };
      const saved = join(folder, 'model');
      await saveCheckpoint(
        saved,
        {
          config: opened.files.config,
          tensors: tensorSources(Object.entries(weights)),
          companionsOf: start,
        },
        { overwrite: true },
      );
      if (Object.keys(concepts).length > 0)
        await writeSafetensors(join(folder, CONCEPTS), tensorSources(Object.entries(concepts)));
      const result = {
        ...outcome,
        model: saved,
        seed: recipe.train.seed,
        engine: runtime.version,
        threads: runtime.threads,
      };
      await writeFileAtomic(join(folder, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
      await observer.writeReport({
        run: folder,
        outcome: trained.outcome,
        createdAt: new Date().toISOString(),
        recipe: stringify(recipe),
        parameters,
        engine: runtime.version,
        threads: runtime.threads,
        seed: recipe.train.seed,
      });
      observer.end('done');
      return { ...outcome, model: saved };
    } finally {
      await runtime.dispose();
    }
  } finally {
    await observer?.close();
    await files.metrics.close();
    await discardEmptyRun(folder);
  }
}

/** Where training begins: a folder that is there, or a new model's. */
async function startFolder(recipe: TuningRecipe, options: RunOptions): Promise<string> {
  const { from, create } = recipe.model;
  if (from !== undefined) return resolveModel(from);
  const first = join(recipe.output, 'first');
  // A run that goes on has it already.
  if ((await stat(join(first, 'model.safetensors')).catch(() => undefined)) !== undefined) return first;
  note(options.stream)('making a tokenizer of the texts, and a model with first weights');
  await createModelFolder(
    first,
    create!,
    await textsOf(recipe.data.sources, options.cacheFolder ?? defaultCacheFolder()),
    recipe.train.seed,
  );
  return first;
}

interface TuningContext extends RunFiles {
  readonly recipe: TuningRecipe;
  readonly options: RunOptions;
  readonly start: string;
  /** Contents of the model's `config.json`. */
  readonly config: JsonObject;
  readonly architecture: ReadingArchitecture;
  readonly runtime: Runtime;
  readonly observer: RunObserver;
}

async function train(
  context: TuningContext,
): Promise<{ outcome: TrainingOutcome; weights: Record<string, HostTensor> }> {
  const { recipe, options, start, architecture, runtime, saved, checkpoints, observer } = context;
  const { data, objectives, train: course, model: section } = recipe;
  const concepts = objectives.regions + objectives.shown > 0 ? await conceptsOf(data.sources) : undefined;
  const trainable = new ImageTextTraining(architecture.model as ReadingArchitecture['model'] & ImageTextNetwork, {
    ...objectives,
    concepts,
  });
  const weights = await firstWeights(trainable, context);
  const preparation = preparationReport(options.stream);
  const dataset: ConversationsOptions = {
    model: start,
    sources: {
      sources: data.sources,
      seed: course.seed,
      imageSize: imageSizeOf(architecture),
      cacheFolder: options.cacheFolder ?? defaultCacheFolder(),
    },
    shape: shapeOf(recipe, architecture, concepts),
    seed: course.seed,
  };
  const trainer = await Trainer.open(
    {
      runtime,
      trainable,
      weights,
      resume: saved,
      openData: async (position) => {
        const loader = await openLoader(
          { module: CONVERSATIONS_MODULE, options: dataset },
          {
            seed: course.seed,
            batchSize: course.batch,
            workers: data.workers,
            report: preparation.report,
            ...(position === undefined ? {} : { start: position }),
          },
        );
        preparation.done();
        return loader;
      },
    },
    {
      ...forTrial(trainerOptions(recipe, { model: section, data: { ...data, workers: null }, objectives }), options),
      groups: groupsOf(section.parts, NETWORK),
    },
    {
      ...(options.trial === undefined ? { checkpoints } : {}),
      ...observer.hooks,
      ...heldHooks({
        recipe,
        start,
        config: context.config,
        sources: dataset.sources,
        weightsOf: async (step) => split(await step.readWeights(course.ema > 0)).model,
      }),
      ...(options.interrupt === undefined ? {} : { interrupt: options.interrupt }),
    },
  );
  const { minutes } = course;
  observer.begin(minutes === undefined || options.trial !== undefined ? { steps: trainer.totalSteps! } : { minutes });
  try {
    const outcome = await trainer.run();
    return { outcome, weights: await trainer.step.readWeights(course.ema > 0) };
  } finally {
    observer.end('ended');
    await trainer.close();
  }
}

/** The model's from its folder; vectors of concepts from an earlier run, or drawn from the seed. */
async function firstWeights(
  trainable: ImageTextTraining,
  { recipe, start, architecture }: TuningContext,
): Promise<Record<string, HostTensor>> {
  const weights = trainable.initialize(new Random(recipe.train.seed));
  const checkpoint = await openCheckpoint(start);
  try {
    const { weights: stored } = checkpoint;
    const expected = new Map(
      [...trainable.parameters()].flatMap(([path, parameter]) =>
        path.startsWith(NETWORK) ? [[path.slice(NETWORK.length), parameter] as const] : [],
      ),
    );
    const found = stored.names.map((name) => stored.location(name));
    const { names } = matchTensors(expected, found, architecture.names, start);
    for (const [path, name] of names) {
      const tensor = await stored.read(name);
      if (stored.quantized.has(name))
        throw new CheckpointError(
          `${start} is in few bits, which cannot be trained`,
          'begin with the model in float32',
        );
      weights[NETWORK + path] = asFloat32(tensor);
    }
  } finally {
    await checkpoint.weights.close();
  }
  const { conceptsFrom } = recipe.model;
  if (conceptsFrom !== undefined && trainable.concepts !== undefined) {
    const path = join(conceptsFrom, CONCEPTS);
    for (const [name, tensor] of await readSafetensors(path)) {
      if (weights[name]?.shape.join() !== tensor.shape.join())
        throw new TrainingError(`${path}: '${name}' does not fit these data`, 'leave model.conceptsFrom out');
      weights[name] = tensor;
    }
  }
  return weights;
}

/** @throws CheckpointError for whole numbers */
function asFloat32({ dtype, shape, data }: HostTensor): HostTensor<'float32'> {
  if (!isWeightDType(dtype)) throw new CheckpointError(`weights of type ${dtype} cannot be trained`);
  return hostTensor('float32', shape, toFloat32(dtype, data as never, new Float32Array(data.length)));
}

function split(
  weights: Readonly<Record<string, HostTensor>>,
): Record<'model' | 'concepts', Record<string, HostTensor>> {
  const parts: Record<'model' | 'concepts', Record<string, HostTensor>> = { model: {}, concepts: {} };
  for (const [path, tensor] of Object.entries(weights))
    if (path.startsWith(NETWORK)) parts.model[path.slice(NETWORK.length)] = tensor;
    else parts.concepts[path] = tensor;
  return parts;
}

/** How samples become batches of this model. */
export function shapeOf(
  { data, objectives }: TuningRecipe,
  { model }: ReadingArchitecture,
  concepts: number | undefined,
): ConversationShape {
  const imageToken = 'imageToken' in model ? (model.imageToken as number) : undefined;
  const shape = { length: data.length, learned: data.learned, evenness: data.evenness, imageToken, padToken: 0 };
  if (objectives.regions + objectives.contrastive + objectives.shown === 0) return shape;
  if (!(model instanceof SensoriumVL) || concepts === undefined)
    throw new TrainingError(
      'matching of pictures needs a model of type sensorium_vl and data that know what pictures show',
      'set objectives.regions, contrastive and shown to 0',
    );
  const side = stemPatches(model.config.vision);
  return {
    ...shape,
    matching: {
      regions: REGIONS,
      side,
      captionLength: CAPTION_LENGTH,
      concepts,
      endToken: model.config.endToken,
    },
  };
}

/** Side of the pictures that scenes are made with. */
export function imageSizeOf({ model }: ReadingArchitecture): number | undefined {
  return model instanceof SensoriumVL ? model.config.vision.imageSize : undefined;
}
