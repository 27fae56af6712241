/** What a recipe for a model of pictures and texts may say. Every object is strict: an unknown key is an error. */
import { z } from 'zod';
import { DRAWING_SETS } from '../../data/emoji/concepts.ts';
import { OPEN_SETS } from '../../data/scenes/options.ts';
import { optimizerSection, scheduleSection, trainSection } from '../schema.ts';
import type { TuningRecipe } from './types.ts';

const weight = z.number().min(0).max(1000);
const factor = z.number().min(0).max(1000).default(1);
const count = z.number().int().min(1).max(1_000_000_000);
const path = z.string().min(1).max(4096);

/** Names of layers, or a pattern. */
const layers = z.union([z.string().min(1).max(20_000), z.array(z.string().min(1).max(1000)).min(1).max(20_000)]);

const lora = z.strictObject({
  rank: count.max(65_536).default(8),
  /** Scale of the change, times the rank; the rank unless told. */
  alpha: z.number().positive().max(1e6).optional(),
  dropout: z.number().min(0).lt(1).default(0),
  targets: layers.default('all-linear'),
  exclude: layers.optional(),
  /** Scale by the root of the rank. */
  rankStabilized: z.boolean().default(false),
  dora: z.boolean().default(false),
});

const model = z.strictObject({
  type: z.literal('image-text'),
  /** Folder, or name of the Hub. */
  from: path.optional(),
  /** A new model in place of one that is there. */
  create: z
    .strictObject({
      /** Contents of `config.json`, less what depends on the tokenizer. */
      config: z.record(z.string(), z.unknown()),
      /** Most tokens of the tokenizer that is made of the data's texts. */
      vocabulary: count.max(1_000_000),
    })
    .optional(),
  /** Folder of the run whose vectors of concepts matching goes on with. */
  conceptsFrom: path.optional(),
  /** Bring what the vision tower gives to mean 0 and deviation 1 over the data first. */
  standardize: z.boolean().default(false),
  /** A factor on the learning rate of each part; 0 leaves a part as it is. */
  parts: z
    .strictObject({
      vision: factor,
      connector: factor,
      language: factor,
      /** Of the language model's layers alone: words can be learned without them. As `language` unless told. */
      layers: z.number().min(0).max(1000).optional(),
    })
    .prefault({}),
  /** An adapter in place of the model's own weights. */
  lora: lora.optional(),
});

/** Whether an adapter is to go on saying of this source what the model says without it; needs objectives.retention. */
const retain = z.boolean().default(false);

/** All but those that are for tests alone. */
const drawingSet = z.enum(DRAWING_SETS).exclude(['openmoji']);

const scenes = z.strictObject({
  kind: z.literal('scenes'),
  weight: weight.default(1),
  sets: z
    .array(drawingSet)
    .min(1)
    .default([...OPEN_SETS]),
  /** Pictures of one pass. */
  length: count.default(100_000),
  /** Conversations about each picture. */
  questions: count.max(64).default(10),
  /** Parts of the kinds of questions. */
  kinds: z.record(z.string(), weight).optional(),
  /** Fewest and most drawings of the other pictures. */
  objects: z.tuple([z.number().int().min(1).max(6), z.number().int().min(1).max(6)]).default([1, 6]),
  /** Part of the pictures that show one thing alone. */
  single: z.number().min(0).max(1).default(0.2),
  /** Part of the other pictures that show many things of any concepts, in rows. */
  crowds: z.number().min(0).max(1).default(0),
  /** Fewest and most rows. */
  crowdRows: z.tuple([z.number().int().min(2).max(3), z.number().int().min(2).max(3)]).default([3, 3]),
  /** Part of the remaining pictures with a word or a number in them. */
  words: z.number().min(0).max(1).default(0.25),
  /** Turn, mirror, tint and ink drawings a little. */
  vary: z.boolean().default(true),
  /** Where they vary, thick lines, few colours, and colours for ink, as studios differ. */
  restyle: z.boolean().default(true),
  /** Grey pictures in place of the real ones. */
  blind: z.boolean().default(false),
  retain,
});

const part = z.number().min(0).max(1).optional();
const augmentation = z.strictObject({
  mirror: part,
  crop: z.number().min(0).max(0.4).optional(),
  widen: z.number().min(0).max(4).optional(),
  light: part,
  colour: part,
});

const files = z.strictObject({
  kind: z.literal('files'),
  weight: weight.default(1),
  /** File or folder. */
  path,
  format: z.string().min(1).max(100).optional(),
  /** Vary pictures as far as what is said of them stays true; how far may be told. */
  augment: z.union([z.boolean(), augmentation]).default(false),
  retain,
});

const sources = z
  .array(z.discriminatedUnion('kind', [scenes, files]))
  .min(1)
  .max(100);

const conversations = z
  .strictObject({
    kind: z.literal('conversations'),
    sources,
    /** Tokens of a row. */
    length: count.max(1_000_000).default(512),
    /** Learned tokens of a row, at most; half of them unless told. */
    learned: count.max(1_000_000).optional(),
    /** Whether short answers count as much as long ones: 0 no, 1 yes. */
    evenness: z.number().min(0).max(1).default(0),
    /** Part of the conversations whose answers are written in smaller tokens than they need, so that rare letters are learned. */
    splitTokens: z.number().min(0).max(1).default(0),
    /** What the model is asked while it learns. */
    validation: z
      .strictObject({
        /** Where the questions come from; the sources that are learned from unless told, which scenes make other pictures in. */
        sources: sources.optional(),
        /** How many. */
        questions: count.max(100_000).default(64),
      })
      .optional(),
    /** Threads that make batches ahead of the step. */
    workers: z.number().int().min(0).max(64).default(1),
  })
  .refine(({ splitTokens, sources: all }) => splitTokens === 0 || all.some(({ kind }) => kind === 'scenes'), {
    path: ['splitTokens'],
    message: 'needs scenes among the sources: rows that several samples share are planned by the tokens that they need',
  });

const objectives = z.strictObject({
  /** What the assistant says. */
  language: weight.default(1),
  /** Parts of pictures and one learned vector for each concept. */
  regions: weight.default(0),
  /** The same parts and their kinds and colours; needs regions. */
  attributes: weight.default(0),
  /** The same parts, as the decoder is given them, and the words that are said of them. */
  words: weight.default(0),
  /** Where the decoder looks while it speaks of a part of the picture. */
  looking: weight.default(0),
  /** Features of pictures, as the decoder is given them, and the kinds of what they show. */
  kinds: weight.default(0),
  /** Pictures and their descriptions, among the batch. */
  contrastive: weight.default(0),
  /** Pictures and descriptions, and the vectors of all that they show. */
  shown: weight.default(0),
  /** What the model says of retained sources without the adapter. */
  retention: weight.default(0),
});

const fields = z
  .strictObject({
    model,
    data: conversations,
    objectives: objectives.prefault({}),
    optimizer: optimizerSection,
    schedule: scheduleSection,
    train: trainSection,
    /** Folder of the run. */
    output: path,
  })
  .superRefine(
    ({ model: { from, create, parts, standardize, lora: adapter }, data, objectives: parts_, optimizer }, context) => {
      if (parts_.retention > 0 && adapter === undefined)
        context.addIssue({
          code: 'custom',
          path: ['objectives', 'retention'],
          message: 'what the model said before is known beside an adapter alone: add model.lora, or set it to 0',
        });
      if (data.sources.some(({ retain: retained }) => retained) !== parts_.retention > 0)
        context.addIssue({
          code: 'custom',
          path: ['objectives', 'retention'],
          message: 'goes with sources that are retained (retain: true): give both or none',
        });
      if (optimizer.kind === 'muon' && adapter !== undefined)
        context.addIssue({
          code: 'custom',
          path: ['optimizer', 'kind'],
          message: "muon is for the model's own matrices, which stay as they are beside an adapter: use adamw",
        });
      if (standardize && adapter !== undefined)
        context.addIssue({
          code: 'custom',
          path: ['model', 'standardize'],
          message: "changes the model's own weights, which stay as they are beside an adapter",
        });
      if ((from === undefined) === (create === undefined))
        context.addIssue({ code: 'custom', path: ['model'], message: 'needs one of from and create' });
      if (parts.vision + parts.connector + parts.language + (parts.layers ?? 0) === 0)
        context.addIssue({ code: 'custom', path: ['model', 'parts'], message: 'one of them must be more than 0' });
      if (Object.values(parts_).every((part) => part === 0))
        context.addIssue({ code: 'custom', path: ['objectives'], message: 'one of them must be more than 0' });
    },
  );

/** A recipe for a model of pictures and texts. */
export const tuningRecipe: z.ZodType<TuningRecipe> = fields.transform((recipe) => ({
  ...recipe,
  data: { ...recipe.data, learned: recipe.data.learned ?? Math.ceil(recipe.data.length / 2) },
}));
