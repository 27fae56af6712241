/** What models have in common that point at things. */
import type { Picture, RelativeBox } from '../../data/index.ts';

/** Where something is, in pixels of the picture as it was given; the origin is its upper left corner. */
export interface LabelledBox {
  readonly label: string;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** What an answer says. */
export interface GroundedAnswer {
  readonly boxes: readonly LabelledBox[];
  /** Entries that look like boxes and are none: wrong keys or numbers, or nothing of them within the picture. */
  readonly refused: number;
  /** Whether the answer ends in the middle of its list. */
  readonly cut: boolean;
}

/** How a model is asked where things are, and how its answers are read. */
export interface Grounding {
  /** @param phrase what to point at, such as "the red cup" */
  question(phrase: string): string;
  /** @param answer text from the model, of which nothing is believed  @param picture as it was given */
  read(answer: string, picture: Picture): GroundedAnswer;
  /** A box as the model writes it, to teach it; absent where that is not known. */
  write?(box: RelativeBox, picture: { readonly width: number; readonly height: number }): string;
}
