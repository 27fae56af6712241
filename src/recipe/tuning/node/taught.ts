/** What a recipe teaches: a whole model, or an adapter beside one that stays as it is. */
import { join } from 'node:path';
import { CheckpointError, type HostTensor, Random, TrainingError } from '../../../core/index.ts';
import type { ReadingArchitecture } from '../../../auto/index.ts';
import type { OpenModel } from '../../../auto/node/index.ts';
import {
  readLocated,
  readSafetensors,
  saveCheckpoint,
  tensorSources,
  writeSafetensors,
} from '../../../hub/node/index.ts';
import { AdaptedModel, attachLora, type LoraAdapter, type LoraConfig } from '../../../nn/index.ts';
import {
  type ImageTextNetwork,
  ImageTextTraining,
  type Trainable,
  type WeightFiles,
  type WeightGroups,
} from '../../../train/index.ts';
import { saveAdapter } from '../../../train/node/index.ts';
import type { RegionClasses } from '../../conversations/matching.ts';
import { regionClasses } from '../../conversations/node/sources.ts';
import { groupsOf, NETWORK, partOf } from '../parts.ts';
import { matchesPictures } from '../shape.ts';
import type { LoraSection, TuningRecipe } from '../types.ts';
import { dequantized } from './dequantized.ts';
import { seesAlike } from './seen-pictures.ts';

/** What is taught, and how it is kept. */
export interface Taught {
  readonly trainable: Trainable;
  /** First values of all weights that are not in {@link frozen}. */
  readonly weights: Record<string, HostTensor>;
  readonly groups: WeightGroups;
  /** Files of weights that stay as they are. */
  readonly frozen?: WeightFiles;
  /** Whether the language model reads the same of a picture throughout, so that pictures need to be seen but once. */
  readonly seesAlike: boolean;
  /** What objectives know of regions. */
  readonly regions: RegionClasses | undefined;
  /** @param folder of the run  @param weights by the paths of what was trained  @returns folder of what came of it */
  save(folder: string, weights: Readonly<Record<string, HostTensor>>): Promise<string>;
}

const CONCEPTS = 'concepts.safetensors';

function objectiveOf(
  { objectives }: TuningRecipe,
  { model }: ReadingArchitecture,
  regions: RegionClasses | undefined,
  adapter?: LoraAdapter,
): ImageTextTraining {
  return new ImageTextTraining(
    model as ReadingArchitecture['model'] & ImageTextNetwork,
    { ...objectives, concepts: regions?.concepts, attributeClasses: regions?.attributes },
    adapter === undefined ? undefined : (act) => adapter.without(act),
  );
}

/** Where training begins. */
export interface Beginning {
  /** Folder of the model, as it was named. */
  readonly start: string;
  readonly opened: OpenModel;
  /** A tree whose weights know no paths yet. */
  readonly architecture: ReadingArchitecture;
}

/** What a recipe teaches. @throws CheckpointError, TrainingError where recipe and model do not fit */
export async function taughtBy(recipe: TuningRecipe, beginning: Beginning): Promise<Taught> {
  return recipe.model.lora === undefined
    ? wholeModel(recipe, beginning)
    : adapterOf(recipe, recipe.model.lora, beginning);
}

/** The model with all its weights, part by part. @throws CheckpointError for one in few bits, TrainingError for concepts of other data */
async function wholeModel(recipe: TuningRecipe, { start, opened, architecture }: Beginning): Promise<Taught> {
  const { objectives, data, model: section } = recipe;
  const regions =
    objectives.regions + objectives.words + objectives.looking + objectives.kinds + objectives.shown > 0
      ? await regionClasses(data.sources)
      : undefined;
  const trainable = objectiveOf(recipe, architecture, regions);
  return {
    trainable,
    weights: await firstWeights(trainable, recipe, start, opened),
    groups: groupsOf(section.parts, NETWORK),
    seesAlike: false,
    regions,
    save: async (folder, all) => {
      const { model: weights, concepts: vectors } = split(all);
      const saved = join(folder, 'model');
      await saveCheckpoint(
        saved,
        { config: opened.files.config, tensors: tensorSources(Object.entries(weights)), companionsOf: start },
        { overwrite: true },
      );
      if (Object.keys(vectors).length > 0)
        await writeSafetensors(join(folder, CONCEPTS), tensorSources(Object.entries(vectors)));
      return saved;
    },
  };
}

/**
 * An adapter alone. The model's weights are read where they lie, in few bits too.
 * @throws TrainingError for objectives that need weights of their own
 */
async function adapterOf(
  recipe: TuningRecipe,
  lora: LoraSection,
  { start, opened, architecture }: Beginning,
): Promise<Taught> {
  const { objectives, train, model: section } = recipe;
  if (matchesPictures(objectives))
    throw new TrainingError(
      'an adapter learns what the assistant says; matching objectives train weights of their own',
      'set objectives.regions, words, looking, kinds, contrastive and shown to 0',
    );
  const { model, names } = architecture;
  // Weights of the model go by their own paths here, as their files name them.
  model.parameters();
  const adapter = attachLora(model, loraConfig(lora));
  const objective = objectiveOf(recipe, architecture, undefined, adapter);
  const alike = seesAlike(opened.architecture, adapter);
  const numbers = await dequantized(opened.weights, (name) => !alike || partOf(name) === 'language');
  const own = adapter.parameters();
  return {
    trainable: { model: new AdaptedModel(model, [adapter]), loss: (batch) => objective.loss(batch) },
    weights: await adapter.firstValues(new Random(train.seed), (path, shape) =>
      readLocated(opened.weights, path, shape),
    ),
    groups: (path) => ({ train: own.has(path), rate: 1 }),
    frozen: { ...opened.weights, numbers },
    seesAlike: alike,
    regions: undefined,
    save: async (folder, weights) => {
      const saved = join(folder, 'adapter');
      await saveAdapter(saved, adapter, weights, { names, baseModel: section.from ?? start, overwrite: true });
      return saved;
    },
  };
}

function loraConfig(section: LoraSection): LoraConfig {
  const { rank, alpha, dropout, targets, exclude, rankStabilized, dora } = section;
  return {
    rank,
    ...(alpha === undefined ? {} : { alpha }),
    dropout,
    targets,
    ...(exclude === undefined ? {} : { exclude }),
    rankStabilized,
    dora,
  };
}

/** The model's from its folder; vectors of concepts from an earlier run, or drawn from the seed. */
async function firstWeights(
  trainable: ImageTextTraining,
  recipe: TuningRecipe,
  start: string,
  { weights: places }: OpenModel,
): Promise<Record<string, HostTensor>> {
  if ([...places.places.values()].some(({ quantized }) => quantized !== undefined))
    throw new CheckpointError(`${start} is in few bits, which cannot be trained`, 'begin with the model in float32');
  const weights = trainable.initialize(new Random(recipe.train.seed));
  for (const [path, { shape }] of Object.entries(weights))
    if (path.startsWith(NETWORK)) weights[path] = await readLocated(places, path.slice(NETWORK.length), shape);
  const { conceptsFrom } = recipe.model;
  if (conceptsFrom !== undefined && trainable.concepts !== undefined) {
    const path = join(conceptsFrom, CONCEPTS);
    for (const [name, tensor] of await readSafetensors(path)) {
      // Attributes and kinds need not be learned any longer.
      if (weights[name] === undefined && /^(?:attributes|kinds)\./.test(name)) continue;
      if (weights[name]?.shape.join() !== tensor.shape.join())
        throw new TrainingError(`${path}: '${name}' does not fit these data`, 'leave model.conceptsFrom out');
      weights[name] = tensor;
    }
  }
  return weights;
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
