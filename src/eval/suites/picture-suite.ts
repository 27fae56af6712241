/** What a suite asks: plain data, whose pictures are drawn or read when they are needed. */
import type { RelativeBox, SamplePicture } from '../../data/index.ts';

/** What all items have. */
export interface SuiteItem {
  /** To find it again in a report. */
  readonly id: string;
  /** Items about one picture share this object, and stand side by side. */
  readonly picture: SamplePicture;
  /** `en`, `zh`, … */
  readonly language: string;
  /** What the model is told, with the picture. */
  readonly question: string;
}

export interface SuiteQuestion extends SuiteItem {
  /** Figures are told kind by kind. */
  readonly kind: string;
  /** Any of them is right; the first one is shown. */
  readonly answers: readonly string[];
  /** The answers are what people said: agreement with them counts (see `softAccuracy`), and words are compared loosely. */
  readonly people?: boolean;
}

/** A thing to be pointed at; the model decides how it is asked. */
export interface SuitePhrase extends Omit<SuiteItem, 'question'> {
  readonly phrase: string;
  /** Where it is; the first box of the answer may be any of them. */
  readonly boxes: readonly RelativeBox[];
}

/** A picture of one thing, whose name is asked. */
export interface SuiteName extends SuiteItem {
  readonly name: string;
}

/** A question that is answered in steps. */
export interface SuiteSteps extends SuiteItem {
  /** The whole answer, steps and result, one for each part that must be right. */
  readonly parts: readonly string[];
}

export interface SuiteCaption extends SuiteItem {
  /** Keys of what is shown, as the lexicon of the language has them. */
  readonly shown: readonly string[];
  /** A right answer as people would read it; the keys unless told. */
  readonly text?: string;
}

/** A picture and the text that belongs to it alone. */
export interface SuitePair {
  readonly id: string;
  readonly picture: SamplePicture;
  readonly language: string;
  readonly text: string;
}

/** Parts that are absent are not asked. */
export interface PictureSuite {
  readonly name: string;
  readonly questions?: readonly SuiteQuestion[];
  readonly phrases?: readonly SuitePhrase[];
  readonly names?: readonly SuiteName[];
  readonly steps?: readonly SuiteSteps[];
  /** How an answer with steps falls into parts. */
  readonly splitSteps?: (answer: string) => readonly string[];
  readonly captions?: readonly SuiteCaption[];
  /** Keys of the things that a caption names, as often as it names them, by language. */
  readonly namedIn?: Readonly<Record<string, (caption: string) => readonly string[]>>;
  readonly pairs?: readonly SuitePair[];
}

/** Parts of a suite in the order in which they are asked. */
export const SUITE_PARTS = ['questions', 'phrases', 'names', 'steps', 'captions', 'pairs'] as const;
export type SuitePart = (typeof SUITE_PARTS)[number];
