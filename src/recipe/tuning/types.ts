/** A checked recipe for a model of pictures and texts, with every default filled in. */
import type { DrawingSet } from '../../data/emoji/concepts.ts';
import type { SampleAugmentation } from '../../data/augment-sample.ts';
import type { OptimizerSection, ScheduleSection, TrainSection } from '../types.ts';

/** How each part of a model is trained: a factor on the learning rate, 0 to leave it as it is. */
export interface PartsSection {
  readonly vision: number;
  readonly connector: number;
  readonly language: number;
  /** Of the language model's layers alone; as `language` where absent. */
  readonly layers?: number | undefined;
}

/** What is taught. */
export interface ImageTextSection {
  readonly type: 'image-text';
  /** Folder, or name of the Hub. */
  readonly from?: string | undefined;
  /** A new model in place of one that is there. */
  readonly create?: NewModelSection | undefined;
  /** Run whose vectors of concepts matching goes on with; they are drawn anew where absent. */
  readonly conceptsFrom?: string | undefined;
  /** Whether what the vision tower gives is brought to mean 0 and deviation 1 over the data first. */
  readonly standardize: boolean;
  readonly parts: PartsSection;
  /** An adapter in place of the model's own weights, which then stay as they are. */
  readonly lora?: LoraSection | undefined;
}

/** A change of low rank to linear layers, in the terms of PEFT. */
export interface LoraSection {
  readonly rank: number;
  /** The rank where absent. */
  readonly alpha?: number | undefined;
  readonly dropout: number;
  /** Names of layers, a regular expression, or `all-linear`. */
  readonly targets: string | string[];
  readonly exclude?: string | string[] | undefined;
  readonly rankStabilized: boolean;
  readonly dora: boolean;
}

/** A new model. */
export interface NewModelSection {
  /** Contents of `config.json`, less what depends on the tokenizer. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Most tokens of the tokenizer that is made of the data's texts. */
  readonly vocabulary: number;
}

/** Emoji scenes, made as they are needed. */
export interface ScenesSource {
  readonly kind: 'scenes';
  readonly weight: number;
  readonly sets: DrawingSet[];
  /** Pictures of one pass. */
  readonly length: number;
  /** Conversations about each picture. */
  readonly questions: number;
  /** Parts of the kinds of questions; all kinds alike where absent. */
  readonly kinds?: Readonly<Record<string, number>> | undefined;
  /** Fewest and most drawings of the other pictures. */
  readonly objects: [number, number];
  /** Part of the pictures that show one thing alone. */
  readonly single: number;
  /** Part of the other pictures that show many things of any concepts, in rows. */
  readonly crowds: number;
  /** Fewest and most rows. */
  readonly crowdRows: [number, number];
  /** Part of the remaining pictures with a word or a number in them. */
  readonly words: number;
  /** Whether drawings are turned, mirrored, tinted and inked a little. */
  readonly vary: boolean;
  /** Whether what varies has thick lines, few colours, and colours for ink. */
  readonly restyle: boolean;
  /** Grey pictures in place of the real ones: what a model learns without looking. */
  readonly blind: boolean;
  /** Whether an adapter is to go on saying of it what the model says without it. */
  readonly retain: boolean;
}

/** A file or folder of samples. */
export interface FilesSource {
  readonly kind: 'files';
  readonly weight: number;
  readonly path: string;
  /** Found out by itself where absent. */
  readonly format?: string | undefined;
  /** Whether pictures are varied as far as what is said of them stays true, and how far. */
  readonly augment: boolean | SampleAugmentation;
  /** As in {@link ScenesSource}. */
  readonly retain: boolean;
}

/** Conversations about pictures. */
export interface ConversationsSection {
  readonly kind: 'conversations';
  readonly sources: (ScenesSource | FilesSource)[];
  /** Tokens of a row. */
  readonly length: number;
  /** Learned tokens of a row, at most. */
  readonly learned: number;
  /** Whether short answers count as much as long ones: 0 no, 1 yes. */
  readonly evenness: number;
  /** Part of the conversations whose answers are written in smaller tokens than they need, so that rare letters are learned. */
  readonly splitTokens: number;
  /** What the model is asked while it learns: questions of these sources, or of those that are learned from. */
  readonly validation?:
    | { readonly sources?: (ScenesSource | FilesSource)[] | undefined; readonly questions: number }
    | undefined;
  /** Threads that make batches. */
  readonly workers: number;
}

/** How much each part of the loss counts. */
export interface ImageTextObjectivesSection {
  readonly language: number;
  readonly regions: number;
  readonly attributes: number;
  readonly words: number;
  readonly looking: number;
  readonly kinds: number;
  readonly contrastive: number;
  readonly shown: number;
  /** What the model says of retained sources without the adapter. */
  readonly retention: number;
}

/** A recipe for a model of pictures and texts. */
export interface TuningRecipe {
  readonly model: ImageTextSection;
  readonly data: ConversationsSection;
  readonly objectives: ImageTextObjectivesSection;
  readonly optimizer: OptimizerSection;
  readonly schedule: ScheduleSection;
  readonly train: TrainSection;
  readonly output: string;
}
