import { allocateArray, DataError, hostTensor } from '../core/index.ts';
import { sampleRandom, shuffledOrder, type Batch, type Dataset, type Position } from './dataset.ts';
import { CENTERED_NORMALIZATION, type ImageNormalization } from './image.ts';
import { TextTokenizer } from './tokenizer.ts';

/** The 13 answers of easy-VQA; a label is a position in this list. */
export const EASY_VQA_ANSWERS = [
  'circle', 'green', 'red', 'gray', 'yes', 'teal', 'black', 'rectangle', 'yellow', 'triangle', 'brown', 'blue', 'no',
] as const; // prettier-ignore

export interface EasyVqaQuestion {
  /** Number of the picture within its split. */
  readonly image: number;
  readonly text: string;
  /** Position in {@link EASY_VQA_ANSWERS}. */
  readonly answer: number;
}

/** One split in memory. */
export interface EasyVqaSplit {
  readonly imageCount: number;
  readonly width: number;
  readonly height: number;
  /** RGB bytes, pictures × height × width × 3, in a SharedArrayBuffer. */
  readonly pixels: Uint8Array;
  readonly questions: readonly EasyVqaQuestion[];
}

/** Plain data, so that it can be sent to a worker. */
export interface EasyVqaOptions {
  /** Folder or tar file of the official layout. */
  readonly path: string;
  /** `validation` is the part of the official training set that `heldOut` keeps away from `train`; `test` is the official test set. */
  readonly split: 'train' | 'validation' | 'test';
  /** Training pictures, with all their questions, held out for validation; 0 unless told. The last ones are taken. */
  readonly heldOut?: number;
  /** Parsed `tokenizer.json`. */
  readonly tokenizer: unknown;
  /** Tokens per question. */
  readonly textLength: number;
  /** Mirror and shift training pictures by chance, which no answer depends on; off unless told. */
  readonly augment?: boolean;
  readonly normalization?: ImageNormalization;
}

/**
 * easy-VQA as batches; `train` in a new order each pass, the other splits in the order of the file. Tensors:
 * - `pixels` [B, 3, 64, 64] float32, normalised
 * - `ids` [B, textLength] int64 and `mask` [B, textLength] float32
 * - `label` [B] int64: position in {@link EASY_VQA_ANSWERS}
 *
 * Source: V. Zhou, easy-VQA (2019), https://github.com/vzhou842/easy-VQA, MIT licence.
 */
export class EasyVqaDataset implements Dataset {
  readonly questions: readonly EasyVqaQuestion[];
  readonly #options: EasyVqaOptions;
  readonly #data: EasyVqaSplit;
  readonly #tokenizer: TextTokenizer;

  /** @param data the official split that the options' split is taken from. @throws DataError */
  constructor(options: EasyVqaOptions, data: EasyVqaSplit) {
    const { heldOut = 0, split } = options;
    if (!Number.isInteger(heldOut) || heldOut < 0 || heldOut >= data.imageCount) {
      throw new DataError(
        `${heldOut} of ${data.imageCount} pictures cannot be held out`,
        'give a smaller whole number',
      );
    }
    const border = data.imageCount - heldOut;
    this.questions =
      split === 'test' ? data.questions : data.questions.filter(({ image }) => image < border === (split === 'train'));
    if (this.questions.length === 0)
      throw new DataError(
        `the ${split} split of easy-VQA is empty`,
        split === 'validation' ? 'hold out some pictures' : 'check the file',
      );
    this.#options = options;
    this.#data = data;
    this.#tokenizer = new TextTokenizer(options.tokenizer);
  }

  get length(): number {
    return this.questions.length;
  }

  batch({ seed, epoch, index }: Position, size: number): Batch {
    const { split, textLength, augment = false, normalization = CENTERED_NORMALIZATION } = this.#options;
    const { width, height } = this.#data;
    const count = Math.max(0, Math.min(size, this.length - index));
    const order = split === 'train' ? shuffledOrder(this.length, seed, epoch) : undefined;
    const rows = Array.from({ length: count }, (_, row) => order?.[index + row] ?? index + row);
    const pixels = allocateArray('float32', count * 3 * width * height);
    for (const [row, item] of rows.entries()) {
      const moved = split === 'train' && augment ? sampleRandom(seed, epoch, item) : undefined;
      const [mirror, shiftX, shiftY] = moved
        ? [moved.uniform() < 0.5, moved.integer(9) - 4, moved.integer(9) - 4]
        : [false, 0, 0];
      this.#paint(this.questions[item]!.image, mirror, shiftX, shiftY, normalization, pixels, row);
    }
    const texts = this.#tokenizer.encodeBatch(rows.map((item) => this.questions[item]!.text), textLength); // prettier-ignore
    return {
      tensors: {
        pixels: hostTensor('float32', [count, 3, height, width], pixels),
        ids: texts.ids,
        mask: texts.mask,
        label: hostTensor(
          'int64',
          [count],
          BigInt64Array.from(rows, (item) => BigInt(this.questions[item]!.answer)),
        ),
      },
      ids: rows.map(
        (item) =>
          `${split === 'test' ? 'test' : 'train'}/images/${this.questions[item]!.image}.png ${JSON.stringify(this.questions[item]!.text)}`,
      ),
    };
  }

  /** Writes one picture as planes, mirrored and shifted; what comes in at the border repeats the picture's edge. */
  #paint(
    image: number,
    mirror: boolean,
    shiftX: number,
    shiftY: number,
    normalization: ImageNormalization,
    out: Float32Array,
    row: number,
  ): void {
    const { width, height, pixels } = this.#data;
    const area = width * height;
    const base = image * area * 3;
    for (let c = 0; c < 3; c++) {
      const gain = 1 / (255 * normalization.deviation[c]!);
      const shift = -normalization.mean[c]! / normalization.deviation[c]!;
      let to = (row * 3 + c) * area;
      for (let y = 0; y < height; y++) {
        const fromY = Math.min(height - 1, Math.max(0, y - shiftY));
        for (let x = 0; x < width; x++) {
          const movedX = Math.min(width - 1, Math.max(0, x - shiftX));
          const fromX = mirror ? width - 1 - movedX : movedX;
          out[to++] = pixels[base + (fromY * width + fromX) * 3 + c]! * gain + shift;
        }
      }
    }
  }
}
