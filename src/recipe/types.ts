/** A checked training recipe, with every default filled in. What the numbers may be is said in `schema.ts`. */

import type { DrawingSet, Studio } from '../data/emoji/concepts.ts';
import type { SortOfClevrPass } from '../data/sort-of-clevr-dataset.ts';

/** A stack of transformer blocks. */
export interface TransformerSection {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width of the feed-forward part; 4 × width where absent. */
  readonly hidden?: number | undefined;
  readonly dropout: number;
}

/** A picture encoder of patches and attention. */
export interface VitSection extends TransformerSection {
  readonly kind: 'vit';
  readonly imageSize: number;
  readonly patchSize: number;
  readonly classToken: boolean;
}

/** A picture encoder of residual convolutions. */
export interface ConvNetSection {
  readonly kind: 'convnet';
  readonly imageSize: number;
  readonly channels: number[];
  readonly blocks: number[];
  readonly stem: number;
}

/** A picture encoder of residual convolutions, then attention. */
export interface ConvTransformerSection extends Omit<ConvNetSection, 'kind'>, TransformerSection {
  readonly kind: 'conv-transformer';
}

/** The text encoder. */
export interface TextSection extends TransformerSection {
  readonly vocabularySize: number;
  readonly maxLength: number;
  /** Deviation of the first word vectors; 0.02 where absent. */
  readonly embeddingDeviation?: number | undefined;
}

/** The fusion model's sizes. */
export interface FusionSection {
  readonly type: 'fusion';
  /** Folder of a model whose weights and tokenizer it begins with; what that model lacks is drawn from the seed. */
  readonly from?: string | undefined;
  readonly vision: VitSection | ConvNetSection | ConvTransformerSection;
  readonly text: TextSection;
  readonly fusion: {
    readonly hidden: number;
    readonly heads: number;
    readonly layers: number;
    readonly direction: 'text-to-vision' | 'vision-to-text';
    /** The mean of a text's tokens asks, in place of each of them; needs the direction text-to-vision. */
    readonly pooledText?: boolean | undefined;
    /** Layers among picture tokens, scaled and shifted by the text that asks, before it asks; needs pooledText. */
    readonly conditioned?: number | undefined;
    /** Width of the space of the contrastive objective; 0 for none. */
    readonly alignment: number;
  };
}

/** Statements about emoji, true and false. */
export interface EmojiStatementsSection {
  readonly kind: 'emoji-statements';
  readonly train: DrawingSet[];
  readonly test: Studio[];
  /** Statements about each picture of a training batch. */
  readonly statements: number;
  /** Pictures of one subgroup that follow each other in training, as hard examples for one another. */
  readonly neighbours: number;
  /** How strongly training pictures are varied. */
  readonly augment: 'none' | 'light' | 'full';
  /** Part of the training drawings that have labels, chosen by the seed; all where absent. */
  readonly fraction?: number | undefined;
  /** Threads that draw pictures ahead of the step. */
  readonly workers: number;
}

/** Emoji with their names and tags, of which words are hidden: for pretraining, without statements. */
export type EmojiDescriptionsSection = Pick<EmojiStatementsSection, 'train' | 'neighbours' | 'augment' | 'workers'> & {
  readonly kind: 'emoji-descriptions';
};

/** The easy-VQA benchmark. */
export interface EasyVqaSection {
  readonly kind: 'easy-vqa';
  /** Folder or tar; absent where the command line gives it. */
  readonly path?: string | undefined;
  /** Training pictures kept away from training, for validation; 0 for none. */
  readonly heldOut: number;
  /** Questions asked of each training picture in a batch; above 1, a batch is counted in pictures. */
  readonly questions: number;
  /** Mirror and shift training pictures. */
  readonly augment: boolean;
  /** Part of the training pictures whose questions have answers, chosen by the seed; all where absent. */
  readonly fraction?: number | undefined;
  readonly workers: number;
}

/** Drawn shapes with sentences about them, of which words are hidden: for pretraining, with nothing of a benchmark in it. */
export interface ShapesSection {
  readonly kind: 'shape-descriptions';
  /** Pictures in a pass; each pass has others. */
  readonly count: number;
  readonly workers: number;
}

/** Sort-of-CLEVR, made by its rules; a batch is counted in pictures, each with its 20 questions. */
export interface SortOfClevrSection {
  readonly kind: 'sort-of-clevr';
  /** Training pictures kept away from training, for validation; 0 for none. */
  readonly heldOut: number;
  /** Turn and mirror training pictures and exchange their colours; answers follow. */
  readonly augment: boolean;
  /** What the first passes show and ask; from then on six objects and the published twenty questions. */
  readonly curriculum?: readonly SortOfClevrPass[] | undefined;
  readonly workers: number;
}

/** What is trained on. */
export type DataSection =
  | EmojiStatementsSection
  | EasyVqaSection
  | EmojiDescriptionsSection
  | ShapesSection
  | SortOfClevrSection;

/** How much each part of the loss counts. */
export interface ObjectivesSection {
  readonly classification: number;
  readonly contrastive: number;
  readonly form: 'clip' | 'siglip';
  readonly prototypes: number;
  readonly truths: number;
  /** Hidden words, alignment before fusion, and matching after it; see `FusionWeights`. Absent where they are not used. */
  readonly mlm?: number | undefined;
  readonly alignment?: number | undefined;
  readonly itm?: number | undefined;
  /** Part of the targets that averaged weights give. */
  readonly momentum?: number | undefined;
}

interface OptimizerShared {
  readonly lr: number;
  readonly weightDecay: number;
  /** Largest norm of all gradients together; 0 for no clipping. */
  readonly clip: number;
}

/** The optimiser and its numbers. */
export type OptimizerSection = OptimizerShared &
  (
    | { readonly kind: 'adamw'; readonly betas: [number, number]; readonly epsilon: number }
    | { readonly kind: 'sgd'; readonly momentum: number }
    | { readonly kind: 'lion'; readonly betas: [number, number] }
    | {
        readonly kind: 'muon';
        readonly betas: [number, number];
        readonly momentum: number;
        readonly kernels: boolean;
      }
  );

/** The course of the learning rate. */
export interface ScheduleSection {
  readonly kind: 'cosine' | 'linear' | 'constant';
  readonly warmup: number;
  /** Rate at the end, as a part of the highest. */
  readonly floor: number;
  /** Steps over which the rate falls; those of the run where absent. */
  readonly steps?: number | undefined;
}

/** How long and in what portions a run trains; exactly one of steps, epochs and minutes is there. */
export interface TrainSection {
  readonly steps?: number | undefined;
  readonly epochs?: number | undefined;
  readonly minutes?: number | undefined;
  /** 0 where it is to be found; runs settle it before they begin. */
  readonly batch: number;
  /** What training may take at its peak, for a batch that is to be found. */
  readonly memory?: string | undefined;
  /** Batches whose gradients are added up before an update. */
  readonly accumulate: number;
  readonly seed: number;
  /** Decay of the averaged weights; 0 for none. */
  readonly ema: number;
  readonly checkpointEvery: number;
  /** Seconds between checkpoints, where they come first. */
  readonly checkpointSeconds?: number | undefined;
  readonly keep: number;
  /** Steps between evaluations on validation data; 0 for none. */
  readonly evaluateEvery: number;
  /** Steps between samples of what the model writes; 0 for none. */
  readonly samplesEvery: number;
  /** By which figure of the evaluations the run is judged. */
  readonly stopping?: StoppingSection | undefined;
  /** Threads of the engine; all processors where absent. */
  readonly threads?: number | undefined;
}

/** See `StoppingOptions` of the trainer. */
export interface StoppingSection {
  readonly metric: string;
  readonly mode: 'max' | 'min';
  readonly patience?: number | undefined;
  readonly margin: number;
  readonly keepBest: boolean;
}

/** A training recipe. */
export interface TrainingRecipe {
  readonly model: FusionSection;
  readonly data: DataSection;
  readonly objectives: ObjectivesSection;
  readonly optimizer: OptimizerSection;
  readonly schedule: ScheduleSection;
  readonly train: TrainSection;
  /** Folder of the run. */
  readonly output: string;
}
