// B pictures, K questions to a picture, T tokens
import { allocateArray, DataError, hostTensor } from '../core/index.ts';
import { sampleRandom, shuffledOrder, type Batch, type Dataset, type Position } from './dataset.ts';
import { type ImageNormalization, picture, type Picture } from './image.ts';
import {
  answerOf,
  drawObjects,
  questionsAbout,
  questionText,
  SORT_OF_CLEVR_ANSWERS,
  SORT_OF_CLEVR_COLOURS,
  SORT_OF_CLEVR_SIZE,
  sortOfClevrScene,
  turnedObjects,
  type ClevrObject,
  type ClevrQuestion,
  type ClevrScene,
  type SortOfClevrKind,
} from './sort-of-clevr.ts';
import { TextTokenizer } from './tokenizer.ts';

/** Pictures of the splits, as published. */
export const SORT_OF_CLEVR_PICTURES = { train: 9800, test: 200 } as const;
/** Questions to a picture. */
export const SORT_OF_CLEVR_QUESTIONS = 20;
/** White, which most of a picture is, becomes 0, so that only objects excite a convolution. */
export const SORT_OF_CLEVR_NORMALIZATION: ImageNormalization = { mean: [1, 1, 1], deviation: [0.5, 0.5, 0.5] };
/** Seeds of the test split begin here; those of training pictures lie below. */
const FIRST_TEST_SEED = 0x8000_0000;

/** A pass over the training pictures that shows and asks less than is published. */
export interface SortOfClevrPass {
  /** Objects in a picture; six unless told. */
  readonly objects?: number | undefined;
  /**
   * What is asked in place of the published questions: each of these kinds of each object, or twenty of them by chance where
   * there are more.
   */
  readonly kinds?: readonly SortOfClevrKind[] | undefined;
}

/** Plain data, so that it can be sent to a worker. */
export interface SortOfClevrOptions {
  /** `validation` is the part of the training split that `heldOut` keeps away from `train`. */
  readonly split: 'train' | 'validation' | 'test';
  /** Training pictures held out for validation; 0 unless told. The last ones are taken. */
  readonly heldOut?: number;
  /** Parsed `tokenizer.json`. */
  readonly tokenizer: unknown;
  /** T */
  readonly textLength: number;
  /**
   * Turn and mirror training pictures and exchange their colours by chance, which the rules treat all alike; answers are given
   * anew. Off unless told.
   */
  readonly augment?: boolean;
  /**
   * What the first passes over the training pictures show and ask; from then on they are as published. Of few objects it is
   * soon learned what a question means and what a shape is, of six at once it is not.
   */
  readonly curriculum?: readonly SortOfClevrPass[] | undefined;
}

export interface SortOfClevrBatch extends Batch {
  /** What is asked in each of the B·K questions. */
  readonly kinds: readonly SortOfClevrKind[];
}

/**
 * Sort-of-CLEVR as batches; `train` in a new order each pass. A sample is a picture with its K = 20 questions, or fewer where
 * the curriculum leaves fewer. Tensors:
 * - `pixels` [B, 3, 75, 75] float32, from −2 to 0, by {@link SORT_OF_CLEVR_NORMALIZATION}
 * - `ids` [B·K, T] int64 and `mask` [B·K, T] float32; questions of a picture lie side by side
 * - `label` [B·K] int64: position in {@link SORT_OF_CLEVR_ANSWERS}
 */
export class SortOfClevrDataset implements Dataset<SortOfClevrBatch> {
  readonly #options: SortOfClevrOptions;
  readonly #seeds: readonly number[];
  readonly #scenes: ClevrScene[] = [];
  readonly #tokenizer: TextTokenizer;

  /** @throws DataError when nothing is left */
  constructor(options: SortOfClevrOptions) {
    const { heldOut = 0, split } = options;
    const { train, test } = SORT_OF_CLEVR_PICTURES;
    if (!Number.isInteger(heldOut) || heldOut < 0 || heldOut >= train)
      throw new DataError(`${heldOut} of ${train} pictures cannot be held out`, 'give a smaller whole number');
    const [first, count] =
      split === 'test'
        ? [FIRST_TEST_SEED, test]
        : split === 'train'
          ? [0, train - heldOut]
          : [train - heldOut, heldOut];
    if (count === 0)
      throw new DataError('the validation split of Sort-of-CLEVR is empty', 'hold out some training pictures');
    this.#options = options;
    this.#seeds = Array.from({ length: count }, (_, i) => first + i);
    this.#tokenizer = new TextTokenizer(options.tokenizer);
  }

  get length(): number {
    return this.#seeds.length;
  }

  /** The published scene behind a sample of the split. */
  scene(sample: number): ClevrScene {
    return (this.#scenes[sample] ??= sortOfClevrScene(this.#seeds[sample]!));
  }

  /** A sample as it is shown and asked at this place of a run. */
  #shown(sample: number, { seed, epoch }: Position): ClevrScene {
    const { augment = false, curriculum = [], split } = this.#options;
    if (split !== 'train') return this.scene(sample);
    const { objects: count, kinds } = curriculum[epoch] ?? {};
    let { objects, questions } =
      count === undefined ? this.scene(sample) : sortOfClevrScene(this.#seeds[sample]!, count);
    const random = sampleRandom(seed, epoch, sample);
    if (augment) {
      const way = random.integer(8);
      const colours = random.shuffle([...SORT_OF_CLEVR_COLOURS.keys()]);
      objects = turnedObjects(objects, way).map((object) => ({ ...object, colour: colours[object.colour]! }));
      questions = questions.map(({ kind, colour }) => ({ kind, colour: colours[colour]! }));
    }
    if (kinds !== undefined)
      questions = random.fork('questions').shuffle(questionsAbout(objects, kinds)).slice(0, SORT_OF_CLEVR_QUESTIONS);
    return { objects, questions };
  }

  batch(position: Position, size: number): SortOfClevrBatch {
    const { split, textLength } = this.#options;
    const { seed, epoch, index } = position;
    const count = Math.max(0, Math.min(size, this.length - index));
    const order = split === 'train' ? shuffledOrder(this.length, seed, epoch) : undefined;
    const area = SORT_OF_CLEVR_SIZE ** 2;
    const pixels = allocateArray('float32', count * 3 * area);
    const asked: ClevrQuestion[] = [];
    const labels: bigint[] = [];
    const ids: string[] = [];
    for (let row = 0; row < count; row++) {
      const sample = order?.[index + row] ?? index + row;
      const { objects, questions } = this.#shown(sample, position);
      paintNormalized(objects, pixels.subarray(row * 3 * area, (row + 1) * 3 * area));
      for (const question of questions) {
        asked.push(question);
        labels.push(BigInt(SORT_OF_CLEVR_ANSWERS.indexOf(answerOf(objects, question))));
        ids.push(`${split}/${sample} ${JSON.stringify(questionText(question))}`);
      }
    }
    const texts = this.#tokenizer.encodeBatch(asked.map(questionText), textLength);
    return {
      tensors: {
        pixels: hostTensor('float32', [count, 3, SORT_OF_CLEVR_SIZE, SORT_OF_CLEVR_SIZE], pixels),
        ids: texts.ids,
        mask: texts.mask,
        label: hostTensor('int64', [asked.length], BigInt64Array.from(labels)),
      },
      ids,
      kinds: asked.map(({ kind }) => kind),
    };
  }
}

/** @param out [3, 75, 75] */
function paintNormalized(objects: readonly ClevrObject[], out: Float32Array): void {
  const { mean, deviation } = SORT_OF_CLEVR_NORMALIZATION;
  const area = SORT_OF_CLEVR_SIZE ** 2;
  const normalized = (value: number, c: number): number => (value / 255 - mean[c]!) / deviation[c]!;
  for (let c = 0; c < 3; c++) out.fill(normalized(255, c), c * area, (c + 1) * area);
  drawObjects(objects, (x, y, colour) => {
    for (let c = 0; c < 3; c++) out[c * area + y * SORT_OF_CLEVR_SIZE + x] = normalized(colour[c]!, c);
  });
}

/** The picture of a scene's objects. */
export function sortOfClevrPicture(objects: readonly ClevrObject[]): Picture {
  const drawn = picture(SORT_OF_CLEVR_SIZE, SORT_OF_CLEVR_SIZE, 3);
  drawn.data.fill(255);
  drawObjects(objects, (x, y, colour) => drawn.data.set(colour, (y * SORT_OF_CLEVR_SIZE + x) * 3));
  return drawn;
}
