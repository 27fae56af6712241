/** A lesson: a handful of labelled pictures, of which an adapter learns what each is called. */
import { TRAINING_SETS, type Picture } from '../../data/index.ts';
import { parseRecipe } from '../parse.ts';
import { tuningRecipe } from './schema.ts';
import type { TuningRecipe } from './types.ts';

/** What is asked about each picture. */
export const LESSON_QUESTIONS: Readonly<Record<'en' | 'zh', readonly string[]>> = {
  en: ['What is this?', 'What does the picture show?', 'Name the thing in the picture.'],
  zh: ['这是什么？', '图里画的是什么？', '你看到了什么？'],
};

/** A picture with its names. */
export interface Lesson {
  readonly picture: Picture;
  /** By language; what users give has one label for both. */
  readonly names: Readonly<Record<'en' | 'zh', string>>;
}

/** How a model is taught, by its size. */
export interface LessonSettings {
  readonly rank: number;
  readonly learningRate: number;
  /** Tokens of a row, and of them at most how many that are learned. */
  readonly length: number;
  readonly learned: number;
  readonly batch: number;
  /** Whether pictures are varied in every pass; where the picture encoder is most of a step, it sees each but once instead. */
  readonly augment: boolean;
  /** Whether emoji scenes are mixed in, of which the adapter is to say what the model says, for models that were trained on them. */
  readonly scenes: boolean;
}

/** For models of the starter's size and data. */
export const SMALL_LESSON: LessonSettings = {
  rank: 32,
  learningRate: 0.003,
  length: 128,
  learned: 48,
  batch: 4,
  augment: true,
  scenes: true,
};

/** What a lesson's recipe is made of. */
export interface LessonPlan {
  /** Folder of the model. */
  readonly from: string;
  /** File of the lesson. */
  readonly data: string;
  /** Folder of the run. */
  readonly output: string;
  readonly minutes: number;
  /** {@link SMALL_LESSON} unless told. */
  readonly settings?: LessonSettings;
  /** Threads of the engine; all processors unless told. */
  readonly threads?: number;
}

/** What counts against forgetting, beside 1 for the names. */
const RETENTION = 1.5;
/** Samples of scenes for each of the lesson: with fewer, more is forgotten; with more, less is learned. */
const SCENES = 1;
/**
 * How far pictures are varied. Those that are taught are often filled by the thing, which is smaller where it is to be found again:
 * without this, names are learned of what is as large as it was taught.
 */
const AUGMENTATION = { widen: 0.8 };

/** Feed-forward layers of the language model alone: adapters of all layers learn the names sooner and forget more. */
const TARGETS = { targets: '.*\\.mlp\\..*', exclude: '.*(vision|visual|connector|projector|merger).*' };

/** The recipe of a lesson: an adapter, on the taught pictures and, where they help, on ordinary scenes against forgetting. */
export function lessonRecipe({
  from,
  data,
  output,
  minutes,
  settings = SMALL_LESSON,
  threads,
}: LessonPlan): TuningRecipe {
  const { rank, learningRate, length, learned, batch, augment, scenes } = settings;
  const files = { kind: 'files', path: data, augment: augment ? AUGMENTATION : false };
  const text = JSON.stringify({
    model: { type: 'image-text', from, lora: { rank, alpha: 2 * rank, ...TARGETS } },
    data: {
      kind: 'conversations',
      length,
      learned,
      evenness: 0.5,
      sources: scenes
        ? [
            { ...files, weight: 1 },
            {
              kind: 'scenes',
              sets: TRAINING_SETS,
              restyle: false,
              weight: SCENES,
              questions: 6,
              objects: [2, 6],
              single: 0.3,
              length: 10_000,
              retain: true,
            },
          ]
        : [files],
    },
    objectives: { language: 1, retention: scenes ? RETENTION : 0 },
    optimizer: { kind: 'adamw', lr: learningRate, betas: [0.9, 0.98], clip: 1 },
    schedule: { kind: 'cosine', warmup: 5, floor: 0.05 },
    train: { minutes, batch, seed: 1, keep: 1, ...(threads === undefined ? {} : { threads }) },
    output,
  });
  return parseRecipe(tuningRecipe, text, 'the lesson');
}
