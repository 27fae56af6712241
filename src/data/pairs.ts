import { DataError, hostTensor } from '../core/index.ts';
import { shuffledOrder, type Batch, type Dataset } from './dataset.ts';
import {
  CENTERED_NORMALIZATION,
  onBackground,
  padToSquare,
  toTensor,
  type ImageNormalization,
  type Picture,
} from './image.ts';
import { resize } from './resize.ts';
import type { TextTokenizer } from './tokenizer.ts';

/** A picture, a text and the class that they belong to. */
export interface LabelledPair {
  readonly image: Picture;
  readonly text: string;
  /** Index of the class. */
  readonly label: number;
}

export interface PairOptions {
  readonly tokenizer: TextTokenizer;
  /** Side of the model's pictures; others are padded to a square on white and resized. */
  readonly imageSize: number;
  /** Tokens per text. */
  readonly textLength: number;
  readonly normalization?: ImageNormalization;
}

/**
 * Pairs in memory as a dataset for a fusion model, in a new order in each pass. Tensors: `pixels` [B, 3, S, S], `ids` and
 * `mask` [B, T], `label` [B].
 * @throws DataError when there is no pair, or a label is no class
 */
export function pairDataset(pairs: readonly LabelledPair[], options: PairOptions): Dataset {
  const { tokenizer, imageSize, textLength, normalization = CENTERED_NORMALIZATION } = options;
  if (pairs.length === 0) throw new DataError('there is no pair of a picture and a text');
  const wrong = pairs.find(({ label }) => !Number.isInteger(label) || label < 0);
  if (wrong !== undefined) throw new DataError(`the label ${wrong.label} is no class`, 'number the classes from 0');
  const prepared = new Map<Picture, Picture>();
  const prepare = (image: Picture): Picture => {
    const known = prepared.get(image) ?? resize(padToSquare(onBackground(image)), imageSize, imageSize, 'bilinear');
    prepared.set(image, known);
    return known;
  };
  return {
    length: pairs.length,
    batch({ seed, epoch, index }, size): Batch {
      const order = shuffledOrder(pairs.length, seed, epoch).subarray(index, index + size);
      const chosen = Array.from(order, (i) => pairs[i]!);
      const labels = BigInt64Array.from(chosen, ({ label }) => BigInt(label));
      return {
        ids: Array.from(order, (i) => `pair ${i}`),
        tensors: {
          pixels: toTensor(
            chosen.map(({ image }) => prepare(image)),
            normalization,
          ),
          ...tokenizer.encodeBatch(
            chosen.map(({ text }) => text),
            textLength,
          ),
          label: hostTensor('int64', [chosen.length], labels),
        },
      };
    },
  };
}
