import { allocateArray, DataError, groupBy, hostTensor, type Random } from '../core/index.ts';
import { sampleRandom, shuffledOrder, type Batch, type Dataset, type Position } from './dataset.ts';
import { chooseFraction, type Fraction } from './fraction.ts';
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
  /**
   * Questions asked of each training picture in a batch, drawn from its own; 1 unless told. Above 1 a sample is a picture, so
   * that each is encoded once for all that is asked of it.
   */
  readonly questions?: number;
  /** Mirror and shift training pictures by chance, which no answer depends on; off unless told. */
  readonly augment?: boolean;
  /** Only these training pictures, with their questions; all unless told. */
  readonly fraction?: Fraction;
  readonly normalization?: ImageNormalization;
}

/**
 * easy-VQA as batches; `train` in a new order each pass, the other splits in the order of the file. Tensors, with K
 * questions to a picture (1 outside training), those of one picture side by side:
 * - `pixels` [B, 3, 64, 64] float32, normalised
 * - `ids` [B·K, textLength] int64 and `mask` [B·K, textLength] float32
 * - `label` [B·K] int64: position in {@link EASY_VQA_ANSWERS}
 *
 * Source: V. Zhou, easy-VQA (2019), https://github.com/vzhou842/easy-VQA, MIT licence.
 */
export class EasyVqaDataset implements Dataset {
  readonly questions: readonly EasyVqaQuestion[];
  /** Questions of one picture each; only where several are asked of a training picture. */
  readonly #groups: readonly (readonly EasyVqaQuestion[])[] | undefined;
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
    const all =
      split === 'test' ? data.questions : data.questions.filter(({ image }) => image < border === (split === 'train'));
    this.questions = split === 'train' && options.fraction !== undefined ? ofPictures(all, options.fraction) : all;
    if (this.questions.length === 0)
      throw new DataError(
        `the ${split} split of easy-VQA is empty`,
        split === 'validation' ? 'hold out some pictures' : 'check the file',
      );
    if (split === 'train' && (options.questions ?? 1) > 1)
      this.#groups = [...groupBy(this.questions, ({ image }) => image).values()];
    this.#options = options;
    this.#data = data;
    this.#tokenizer = new TextTokenizer(options.tokenizer);
  }

  get length(): number {
    return this.#groups?.length ?? this.questions.length;
  }

  batch({ seed, epoch, index }: Position, size: number): Batch {
    const { split, textLength, augment = false, normalization = CENTERED_NORMALIZATION } = this.#options;
    const { width, height } = this.#data;
    const count = Math.max(0, Math.min(size, this.length - index));
    const order = split === 'train' ? shuffledOrder(this.length, seed, epoch) : undefined;
    const pixels = allocateArray('float32', count * 3 * width * height);
    const asked: EasyVqaQuestion[] = [];
    for (let row = 0; row < count; row++) {
      const item = order?.[index + row] ?? index + row;
      const random = split === 'train' ? sampleRandom(seed, epoch, item) : undefined;
      const questions = this.#ask(item, random);
      const [mirror, shiftX, shiftY] =
        random !== undefined && augment
          ? [random.uniform() < 0.5, random.integer(9) - 4, random.integer(9) - 4]
          : [false, 0, 0];
      this.#paint(questions[0]!.image, mirror, shiftX, shiftY, normalization, pixels, row);
      asked.push(...questions);
    }
    const texts = this.#tokenizer.encodeBatch(
      asked.map(({ text }) => text),
      textLength,
    );
    const labels = BigInt64Array.from(asked, ({ answer }) => BigInt(answer));
    const folder = split === 'test' ? 'test/images' : 'train/images';
    return {
      tensors: {
        pixels: hostTensor('float32', [count, 3, height, width], pixels),
        ids: texts.ids,
        mask: texts.mask,
        label: hostTensor('int64', [asked.length], labels),
      },
      ids: asked.map(({ image, text }) => `${folder}/${image}.png ${JSON.stringify(text)}`),
    };
  }

  /** What is asked in sample `item`; a picture with fewer questions than are wanted is asked some of them again. */
  #ask(item: number, random: Random | undefined): readonly EasyVqaQuestion[] {
    if (this.#groups === undefined || random === undefined) return [this.questions[item]!];
    const group = random.shuffle([...this.#groups[item]!]);
    return Array.from({ length: this.#options.questions! }, (_, i) => group[i % group.length]!);
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

/** The questions of a part of the pictures. */
function ofPictures(questions: readonly EasyVqaQuestion[], fraction: Fraction): EasyVqaQuestion[] {
  const pictures = [...new Set(questions.map(({ image }) => image))];
  const chosen = new Set(chooseFraction(pictures, fraction));
  return questions.filter(({ image }) => chosen.has(image));
}
