/** Training examples in the one form that all file formats are read into: pictures, and conversations about them. */
import type { Picture } from './image.ts';

/** A rectangle in parts of the picture's width and height, 0 to 1; the origin is the upper left corner. */
export type RelativeBox = readonly [left: number, top: number, right: number, bottom: number];

/** A part of a turn. Boxes are written as the model that reads them was taught to point. */
export type SamplePart =
  | {
      readonly type: 'text';
      readonly text: string;
      /** Letters from and to which an answer says what it finds, on its way and at its end; see `evenness` of conversations. */
      readonly findings?: readonly (readonly [from: number, to: number])[];
    }
  /** Number of the picture in {@link Sample.pictures}. */
  | { readonly type: 'image'; readonly picture: number }
  | { readonly type: 'box'; readonly box: RelativeBox };

/** The texts among parts, without pictures and boxes. */
export function textsIn(parts: readonly SamplePart[]): string[] {
  return parts.flatMap((part) => (part.type === 'text' ? [part.text] : []));
}

/** The texts among parts as one. */
export function textOf(parts: readonly SamplePart[]): string {
  return textsIn(parts).join('');
}

/** One turn of a conversation. */
export interface SampleTurn {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: readonly SamplePart[];
}

/** A picture that is opened when it is needed. */
export interface SamplePicture {
  /** How messages call it: a path, a place in an archive, a seed. */
  readonly name: string;
  /** @throws DataError when it cannot be read */
  readonly open: () => Picture | Promise<Picture>;
}

/** Something in a picture of which the data know what it is. */
export interface SampleRegion {
  /** Number of the picture in {@link Sample.pictures}. */
  readonly picture: number;
  readonly box: RelativeBox;
  /** Number of the concept, of as many as {@link SampleSource.concepts}; absent where it is none of them. */
  readonly concept?: number | undefined;
  /** What else is known of it, a class for each attribute that the source knows, such as its colour; −1 where that is open. */
  readonly attributes?: readonly number[];
  /** How it is called, in each language. */
  readonly names?: readonly string[];
  /** Other words for it, such as its kind and its colour, in each language. */
  readonly qualities?: readonly string[];
  /** Words for the part of the picture where it lies, by which steps point at it; in each language, where there are any. */
  readonly places?: readonly string[];
  /** Of what is written: numbers of the regions of its characters in {@link Sample.regions}, in the order of its name. */
  readonly letters?: readonly number[];
}

/** Regions that share a name, such as `animal`; none where a picture has nothing of the sort. */
export interface RegionGroup {
  /** One and several, in each language. */
  readonly names: readonly string[];
  /** Numbers of the regions in {@link Sample.regions}. */
  readonly regions: readonly number[];
}

/** Pictures and what is said about them. */
export interface Sample {
  /** To find it again in an error or a report. */
  readonly id: string;
  readonly pictures: readonly SamplePicture[];
  /**
   * Conversations that know nothing of each other, one in most formats. Where several begin alike, with the pictures, the
   * beginning is read once in training.
   */
  readonly conversations: readonly (readonly SampleTurn[])[];
  /** What is where, in data that know it: for objectives of pictures alone. */
  readonly regions?: readonly SampleRegion[];
  /** Which regions are of which sort, for all sorts that the data know. */
  readonly groups?: readonly RegionGroup[];
  /** Whether a model is to go on saying of it what it says, in place of learning the answers. */
  readonly retained?: boolean;
  /** A description of each picture, in data that have it: for objectives that hold pictures and texts against each other. */
  readonly captions?: readonly string[];
}

/** What may decide how a sample is varied. */
export interface SampleMoment {
  readonly seed: number;
  /** Pass over the data, from 0. */
  readonly epoch: number;
}

/** Samples that can be had in any order. `sample` is pure: equal arguments give equal samples, in any process. */
export interface SampleSource {
  readonly length: number;
  /** How many concepts regions speak of; absent where there are no regions. */
  readonly concepts?: number;
  /** @throws DataError naming the sample that cannot be read */
  sample(index: number, moment: SampleMoment): Sample | Promise<Sample>;
  /** Closes files and the like. */
  close?(): void | Promise<void>;
}
