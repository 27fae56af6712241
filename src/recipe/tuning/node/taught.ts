/** What a recipe teaches: a whole model, or an adapter beside one that stays as it is. */
import { join } from 'node:path';
import {
  CheckpointError,
  hostTensor,
  type HostTensor,
  isWeightDType,
  Random,
  toFloat32,
  TrainingError,
} from '../../../core/index.ts';
import type { ReadingArchitecture } from '../../../auto/index.ts';
import { openModel } from '../../../auto/node/index.ts';
import { matchTensors } from '../../../hub/index.ts';
import {
  openCheckpoint,
  readLocated,
  readSafetensors,
  saveCheckpoint,
  tensorSources,
  writeSafetensors,
} from '../../../hub/node/index.ts';
import { AdaptedModel, attachLora, type LoraConfig } from '../../../nn/index.ts';
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
import { groupsOf, NETWORK } from '../parts.ts';
import type { LoraSection, TuningRecipe } from '../types.ts';

/** What is taught, and how it is kept. */
export interface Taught {
  readonly trainable: Trainable;
  /** First values of all weights that are not in {@link frozen}. */
  readonly weights: Record<string, HostTensor>;
  readonly groups: WeightGroups;
  /** Files of weights that stay as they are. */
  readonly frozen?: WeightFiles;
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
): ImageTextTraining {
  return new ImageTextTraining(model as ReadingArchitecture['model'] & ImageTextNetwork, {
    ...objectives,
    concepts: regions?.concepts,
    attributeClasses: regions?.attributes,
  });
}

/** The model with all its weights, part by part. @throws CheckpointError for one in few bits, TrainingError for concepts of other data */
export async function wholeModel(
  recipe: TuningRecipe,
  start: string,
  architecture: ReadingArchitecture,
): Promise<Taught> {
  const { objectives, data, model: section } = recipe;
  const regions = objectives.regions + objectives.shown > 0 ? await regionClasses(data.sources) : undefined;
  const trainable = objectiveOf(recipe, architecture, regions);
  return {
    trainable,
    weights: await firstWeights(trainable, recipe, start, architecture),
    groups: groupsOf(section.parts, NETWORK),
    regions,
    save: async (folder, all) => {
      const { model: weights, concepts: vectors } = split(all);
      const saved = join(folder, 'model');
      const { config, weights: files } = await openCheckpoint(start);
      await files.close();
      await saveCheckpoint(
        saved,
        { config, tensors: tensorSources(Object.entries(weights)), companionsOf: start },
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
export async function adapterOf(
  recipe: TuningRecipe,
  start: string,
  architecture: ReadingArchitecture,
): Promise<Taught> {
  const { objectives, train, model: section } = recipe;
  if (objectives.regions + objectives.contrastive + objectives.shown > 0)
    throw new TrainingError(
      'an adapter learns what the assistant says; matching objectives train weights of their own',
      'set objectives.regions, contrastive and shown to 0',
    );
  const { weights: places } = await openModel(start);
  const { model, names } = architecture;
  // Weights of the model go by their own paths here, as their files name them.
  model.parameters();
  const adapter = attachLora(model, loraConfig(section.lora!));
  const objective = objectiveOf(recipe, architecture, undefined);
  const own = adapter.parameters();
  return {
    trainable: { model: new AdaptedModel(model, [adapter]), loss: (batch) => objective.loss(batch) },
    weights: await adapter.firstValues(new Random(train.seed), (path, shape) => readLocated(places, path, shape)),
    groups: (path) => ({ train: own.has(path), rate: 1 }),
    frozen: places,
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
  architecture: ReadingArchitecture,
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
