import type { FusionConfig } from '../models/fusion/model.ts';
import { muon } from '../train/muon.ts';
import { adamW, lion, sgd, withEma, type Optimizer } from '../train/optimizers.ts';
import type { StoppingOptions } from '../train/stopping.ts';
import type { RunLength, TrainerOptions } from '../train/trainer.ts';
import type {
  FusionSection,
  ObjectivesSection,
  OptimizerSection,
  ScheduleSection,
  TrainingRecipe,
  StoppingSection,
  TrainSection,
} from './types.ts';

/** Steps in which answers that were never asked for may cost many times as much as those that are known by then. */
const PATIENCE_WITH_NEW_QUESTIONS = 25;

/**
 * The model's config.
 * @param vocabularySize of the tokenizer that was made, which may be smaller than asked for
 * @param objectives those that have heads of their own give the model these heads
 */
export function fusionConfigOf(
  model: FusionSection,
  vocabularySize: number,
  classes: number,
  objectives: Pick<ObjectivesSection, 'mlm' | 'itm'> = {},
): FusionConfig {
  const { fusion } = model;
  const { embeddingDeviation, ...text } = model.text;
  return {
    vision: visionConfigOf(model.vision),
    text: {
      ...withoutAbsent({ ...text, vocabularySize }),
      ...(embeddingDeviation === undefined ? {} : { embeddingDeviation }),
    },
    hiddenSize: fusion.hidden,
    heads: fusion.heads,
    classes,
    query: fusion.direction === 'text-to-vision' ? 'text' : 'vision',
    layers: fusion.layers,
    ...(fusion.pooledText === true ? { pooledText: true } : {}),
    ...(fusion.conditioned === undefined ? {} : { conditioned: fusion.conditioned }),
    alignmentSize: fusion.alignment,
    ...((objectives.mlm ?? 0) > 0 ? { maskedHead: true } : {}),
    ...((objectives.itm ?? 0) > 0 ? { matchingHead: true } : {}),
  };
}

function visionConfigOf(vision: FusionSection['vision']): FusionConfig['vision'] {
  if (vision.kind === 'convnet') return vision;
  return vision.kind === 'vit' ? withoutAbsent(vision) : withoutAbsent(vision);
}

/** Without keys that hold undefined. */
function withoutAbsent<T extends { readonly hidden?: number | undefined }>({
  hidden,
  ...rest
}: T): Omit<T, 'hidden'> & { hidden?: number } {
  return hidden === undefined ? rest : { ...rest, hidden };
}

/** The optimiser's update. */
export function optimizerOf(section: OptimizerSection): Optimizer {
  switch (section.kind) {
    case 'adamw':
      return adamW({ betas: section.betas, epsilon: section.epsilon });
    case 'lion':
      return lion({ betas: section.betas });
    case 'muon':
      return muon({ betas: section.betas, momentum: section.momentum, kernels: section.kernels });
    case 'sgd':
      return sgd({ momentum: section.momentum });
  }
}

/** The update of a run, averages of weights included where it keeps them. */
export function updateOf({ optimizer, train }: Pick<TrainerSections, 'optimizer' | 'train'>): Optimizer {
  const plain = optimizerOf(optimizer);
  return train.ema > 0 ? withEma(plain, train.ema) : plain;
}

/** The sections that say how a trainer is to run. */
export interface TrainerSections {
  readonly optimizer: OptimizerSection;
  readonly schedule: ScheduleSection;
  readonly train: TrainSection;
}

/** How a trainer is to run. */
export function trainerOptionsOf(recipe: TrainingRecipe): TrainerOptions {
  const { model, data, objectives } = recipe;
  // Where the data lie and who makes the batches change nothing.
  const options = trainerOptions(recipe, { model, data: { ...data, path: null, workers: null }, objectives });
  const learnsByStages = data.kind === 'sort-of-clevr' && (data.curriculum ?? []).length > 0;
  return learnsByStages ? { ...options, explosion: { patience: PATIENCE_WITH_NEW_QUESTIONS } } : options;
}

/** @param identity what besides the sections decides the course of a run, as plain data */
export function trainerOptions(
  { optimizer, schedule, train }: TrainerSections,
  identity: Readonly<Record<string, unknown>>,
): TrainerOptions {
  const {
    steps,
    epochs,
    minutes,
    batch,
    accumulate,
    seed,
    ema,
    checkpointEvery,
    checkpointSeconds,
    evaluateEvery,
    samplesEvery,
    stopping,
  } = train;
  const course = { steps, epochs, minutes, batch, accumulate, seed, ema, stopping };
  return {
    length: lengthOf(train),
    seed: train.seed,
    optimizer: optimizerOf(optimizer),
    weightDecay: optimizer.weightDecay,
    ...(optimizer.clip > 0 ? { clip: optimizer.clip } : {}),
    schedule: {
      kind: schedule.kind,
      learningRate: optimizer.lr,
      warmup: schedule.warmup,
      floor: schedule.floor,
      total: schedule.steps,
    },
    accumulate: train.accumulate,
    ...(train.ema > 0 ? { ema: train.ema } : {}),
    checkpointEvery: {
      steps: checkpointEvery,
      ...(checkpointSeconds === undefined ? {} : { seconds: checkpointSeconds }),
    },
    ...(evaluateEvery > 0 ? { evaluateEvery } : {}),
    ...(samplesEvery > 0 ? { samplesEvery } : {}),
    ...(stopping === undefined ? {} : { stopping: stoppingOf(stopping) }),
    identity: inOrder({ ...identity, optimizer, schedule, course }),
  };
}

function stoppingOf({ patience, ...rest }: StoppingSection): StoppingOptions {
  return patience === undefined ? rest : { ...rest, patience };
}

function lengthOf({ steps, epochs, minutes }: TrainSection): RunLength {
  if (steps !== undefined) return { steps };
  return epochs === undefined ? { minutes: minutes! } : { epochs };
}

/** JSON with sorted keys, so that equal recipes give equal texts however they are written. */
function inOrder(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
