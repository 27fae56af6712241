/** What a training recipe may say. Every object is strict: an unknown key is an error, never ignored. */
import { z } from 'zod';
import { DRAWING_SETS, STUDIOS } from '../data/emoji/concepts.ts';
import { SORT_OF_CLEVR_COLOURS, SORT_OF_CLEVR_KINDS } from '../data/sort-of-clevr.ts';
import { PRETRAINING_WEIGHTS } from '../train/objectives/fusion.ts';
import { misfits } from './misfits.ts';
import { isPretraining } from './pretraining.ts';
import type { OptimizerSection, ScheduleSection, TrainingRecipe, TrainSection } from './types.ts';

const count = z.number().int().min(1).max(1_000_000_000);
const share = z.number().min(0).max(1);
const weight = z.number().min(0).max(1000);

const transformer = {
  width: count.max(16_384),
  layers: count.max(256),
  heads: count.max(256),
  /** Width of the feed-forward part; 4 × width unless given. */
  hidden: count.max(65_536).optional(),
  dropout: share.default(0),
};

const vit = z.strictObject({
  kind: z.literal('vit'),
  imageSize: count.max(1024),
  patchSize: count.max(256),
  classToken: z.boolean().default(false),
  ...transformer,
});

const convnet = z.strictObject({
  kind: z.literal('convnet'),
  imageSize: count.max(1024),
  /** Channels of each stage. */
  channels: z.array(count.max(4096)).min(1).max(16),
  /** Residual blocks of each stage. */
  blocks: z.array(count.max(64)).min(1).max(16),
  /** Size and stride of the first convolution. */
  stem: count.max(64),
});

const convTransformer = z.strictObject({
  ...convnet.shape,
  kind: z.literal('conv-transformer'),
  ...transformer,
});

const text = z.strictObject({
  vocabularySize: count.max(1_000_000),
  /** Tokens of the longest text. */
  maxLength: count.max(8192),
  /** Deviation of the first word vectors: 1 keeps the words of short questions apart, which 0.02 does not. */
  embeddingDeviation: z.number().positive().max(100).optional(),
  ...transformer,
});

const fusion = z.strictObject({
  type: z.literal('fusion'),
  /** Folder of a trained model to begin with. */
  from: z.string().min(1).max(4096).optional(),
  vision: z.discriminatedUnion('kind', [vit, convnet, convTransformer]),
  text,
  fusion: z.strictObject({
    /** Width in which the modalities meet. */
    hidden: count.max(16_384),
    heads: count.max(256),
    layers: count.max(64).default(1),
    /** The mean of a text's tokens asks, in place of each of them. */
    pooledText: z.boolean().optional(),
    /** Layers among picture tokens, scaled and shifted by the text that asks, before it asks; needs pooledText. */
    conditioned: count.max(64).optional(),
    /** Which modality asks. */
    direction: z.enum(['text-to-vision', 'vision-to-text']).default('text-to-vision'),
    /** Width of the space of the contrastive objective; 0 for none. */
    alignment: z.number().int().min(0).max(16_384).default(0),
  }),
});

const studio = z.enum(STUDIOS);
const drawingSet = z.enum(DRAWING_SETS);

/** Threads that make batches ahead of the step. */
const workers = z.number().int().min(0).max(64).default(1);
/** Part of what is labelled that is trained on. */
const fraction = z.number().gt(0).max(1).optional();

const emoji = {
  train: z.array(drawingSet).min(1).default(['noto', 'twemoji', 'fluent-emoji-flat']),
  /** Pictures of one subgroup that follow each other in training. */
  neighbours: count.max(64).default(1),
  /** How strongly training pictures are varied: short runs learn more from lightly varied ones. */
  augment: z.enum(['none', 'light', 'full']).default('full'),
  workers,
};

const emojiStatements = z.strictObject({
  kind: z.literal('emoji-statements'),
  ...emoji,
  test: z.array(studio).min(1).default(['openmoji']),
  /** Statements about each picture of a training batch. */
  statements: count.max(8).default(1),
  fraction,
});

const easyVqa = z.strictObject({
  kind: z.literal('easy-vqa'),
  /** Folder or tar of the official layout. `--data` goes before it. */
  path: z.string().min(1).optional(),
  /** Training pictures kept away from training, for validation. */
  heldOut: z.number().int().min(0).max(100_000).default(0),
  /** Questions asked of each training picture in a batch. */
  questions: z.number().int().min(1).max(64).default(1),
  augment: z.boolean().default(false),
  fraction,
  workers,
});

const emojiDescriptions = z.strictObject({ kind: z.literal('emoji-descriptions'), ...emoji });
const sortOfClevr = z.strictObject({
  kind: z.literal('sort-of-clevr'),
  /** Training pictures kept away from training, for validation. */
  heldOut: z.number().int().min(0).max(9_000).default(0),
  /** Turn and mirror training pictures and exchange their colours; answers follow. */
  augment: z.boolean().default(false),
  /** What the first passes show and ask, where that is less than the published six objects and twenty questions. */
  curriculum: z
    .array(
      z.strictObject({
        objects: count.max(SORT_OF_CLEVR_COLOURS.length).optional(),
        kinds: z.array(z.enum(SORT_OF_CLEVR_KINDS)).min(1).optional(),
      }),
    )
    .max(1000)
    .optional(),
  workers,
});

const shapes = z.strictObject({
  kind: z.literal('shape-descriptions'),
  /** Pictures in a pass; each pass has others. */
  count: count.max(10_000_000).default(10_000),
  workers,
});

const betas = z.tuple([share, share]).default([0.9, 0.999]);
const shared = { lr: z.number().positive().max(100), weightDecay: z.number().min(0).max(10).default(0) };
/** Largest norm of all gradients together; 0 for no clipping. */
const clip = z.number().min(0).default(1);

const optimizer = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('adamw'), ...shared, betas, epsilon: z.number().positive().default(1e-8), clip }),
  z.strictObject({ kind: z.literal('sgd'), ...shared, momentum: share.default(0), clip }),
  z.strictObject({ kind: z.literal('lion'), ...shared, betas: z.tuple([share, share]).default([0.9, 0.99]), clip }),
  /** For matrices of hidden layers; all other weights by AdamW, with these betas. */
  z.strictObject({
    kind: z.literal('muon'),
    ...shared,
    betas,
    /** Of the matrices. */
    momentum: z.number().min(0).lt(1).default(0.95),
    /** Whether kernels of hidden layers are taken as matrices too. */
    kernels: z.boolean().default(false),
    clip,
  }),
]);

const schedule = z.strictObject({
  kind: z.enum(['cosine', 'linear', 'constant']).default('cosine'),
  /** Steps over which the rate rises. */
  warmup: z.number().int().min(0).default(0),
  /** Rate at the end, as a part of the highest. */
  floor: share.default(0),
  /** Steps over which the rate falls, where a later stage is to go on before it has; those of the run unless told. */
  steps: count.optional(),
});

const stopping = z.strictObject({
  metric: z.string().min(1).max(200),
  mode: z.enum(['max', 'min']).default('max'),
  /** The run ends after so many evaluations that were not better; it never does when absent. */
  patience: count.optional(),
  /** By how much a figure must be better to count. */
  margin: z.number().min(0).default(0),
  /** Keep the best checkpoint. */
  keepBest: z.boolean().default(true),
});

const train = z
  .strictObject({
    /** How long: exactly one of the three. */
    steps: count.optional(),
    epochs: z.number().positive().max(100_000).optional(),
    minutes: z.number().positive().max(525_600).optional(),
    /** Samples in a batch; `auto` for as many as fit into memory. */
    batch: z.union([count.max(1_000_000), z.literal('auto').transform(() => 0)]),
    /** What training may take at its peak where the batch is `auto`: 4GiB, or 60% of what is free. */
    memory: z.string().max(40).optional(),
    /** Batches whose gradients are added up before an update. */
    accumulate: count.max(1_000_000).default(1),
    seed: z.number().int().min(0).max(0xffff_ffff).default(0),
    /** Decay of the averaged weights, near 1; 0 for none. */
    ema: z.number().min(0).lt(1).default(0),
    /** Steps between checkpoints. */
    checkpointEvery: count.default(500),
    /** Seconds between checkpoints, where they come first. */
    checkpointSeconds: z.number().positive().max(86_400).optional(),
    /** Checkpoints that stay. */
    keep: count.max(10_000).default(2),
    /** Steps between evaluations on validation data; 0 for none. */
    evaluateEvery: z.number().int().min(0).max(1_000_000_000).default(0),
    /** Steps between times that the model is asked what it writes; 0 for never. */
    samplesEvery: z.number().int().min(0).max(1_000_000_000).default(0),
    /** By which figure of the evaluations the run is judged; it then ends with the best weights. */
    stopping: stopping.optional(),
    /** Threads of the engine; all processors unless given. Equal results need equal numbers of threads. */
    threads: count.max(1024).optional(),
  })
  .superRefine(({ steps, epochs, minutes, stopping: judged, evaluateEvery, batch, memory }, context) => {
    if (memory !== undefined && batch !== 0)
      context.addIssue({ code: 'custom', path: ['memory'], message: 'is only for train.batch: auto' });
    if (judged !== undefined && evaluateEvery === 0)
      context.addIssue({ code: 'custom', path: ['evaluateEvery'], message: 'must be above 0 for train.stopping' });
    const given = [steps, epochs, minutes].filter((value) => value !== undefined).length;
    if (given !== 1) context.addIssue(`exactly one of steps, epochs and minutes is needed, got ${given}`);
  });

const fields = z.strictObject({
  model: z.discriminatedUnion('type', [fusion]),
  data: z.discriminatedUnion('kind', [emojiStatements, easyVqa, emojiDescriptions, shapes, sortOfClevr]),
  objectives: z
    .strictObject({
      /** Cross-entropy of the answer; 1 where there are answers. */
      classification: weight.optional(),
      /** Pictures and texts brought together before fusion. */
      contrastive: weight.default(0),
      form: z.enum(['clip', 'siglip']).default('clip'),
      /** Pictures and texts brought to one learned vector for each concept, before fusion. */
      prototypes: weight.default(0),
      /** Statements brought to the vectors of all concepts of which they are true; needs prototypes. */
      truths: weight.default(0),
      /** Hidden words of descriptions, alignment before fusion and matching after it: 0.4, 0.4 and 0.2 in pretraining. */
      mlm: weight.optional(),
      alignment: weight.optional(),
      itm: weight.optional(),
      /** Part of the targets that averaged weights give (momentum distillation). */
      momentum: share.optional(),
    })
    .prefault({}),
  optimizer,
  schedule: schedule.prefault({}),
  train,
  /** Folder of the run. */
  output: z.string().min(1).max(4096),
});

/** Objectives that fit the data, where the recipe leaves them open. */
function withObjectives({ objectives, ...recipe }: z.output<typeof fields>): TrainingRecipe {
  const classification = objectives.classification ?? (isPretraining(recipe.data) ? 0 : 1);
  const sum = isPretraining(recipe.data) ? PRETRAINING_WEIGHTS : {};
  const given = Object.entries(objectives).filter(([, value]) => value !== undefined);
  return { ...recipe, objectives: { ...objectives, classification, ...sum, ...Object.fromEntries(given) } };
}

/** A training recipe. */
export const trainingRecipe: z.ZodType<TrainingRecipe> = fields
  .transform(withObjectives)
  .superRefine((recipe, context) => {
    for (const { path, message } of misfits(recipe)) context.addIssue({ code: 'custom', path: [...path], message });
  });

/** The sections that recipes of all models share. */
export const optimizerSection: z.ZodType<OptimizerSection> = optimizer;
export const scheduleSection: z.ZodType<ScheduleSection> = schedule.prefault({});
export const trainSection: z.ZodType<TrainSection> = train;
