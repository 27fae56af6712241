/** What is in a picture of drawings, and where. */
import type { Concept } from '../emoji/concepts.ts';
import type { Picture } from '../image.ts';
import type { RelativeBox } from '../samples.ts';
import type { SceneColour } from './colours.ts';
import type { SceneKind } from './kinds.ts';

/** A drawing in a scene, as its pixels show it. */
export interface SceneObject {
  readonly concept: Concept;
  /** Missing for concepts that belong to no broad kind. */
  readonly kind: SceneKind | undefined;
  /** The tightest rectangle around its painted pixels. */
  readonly box: RelativeBox;
  /** Middle of the box. */
  readonly x: number;
  readonly y: number;
  /** Area of the box, and of the painted pixels, as parts of the picture's. */
  readonly area: number;
  readonly painted: number;
  /** The colour that most of its pixels have; missing where none clearly prevails. */
  readonly colour: SceneColour | undefined;
}

/** A rendered word or number. */
export interface SceneWord {
  /** Capital letters or digits. */
  readonly text: string;
  readonly box: RelativeBox;
  /** Where each letter or digit stands. */
  readonly letters: readonly RelativeBox[];
}

/** A picture with all that is known of it. */
export interface Scene {
  readonly picture: Picture;
  /** From left to right, by the middles of their boxes. */
  readonly objects: readonly SceneObject[];
  readonly word: SceneWord | undefined;
  /** Whether it was to show one drawing, of any concept. */
  readonly single: boolean;
  /** Whether it shows many drawings of any concepts, each in a cell of its own, of which nothing is counted or compared. */
  readonly crowd: boolean;
  /** The kind of which a number was drawn that is even over all that fit, where there is one. */
  readonly focus: SceneKind | undefined;
}
