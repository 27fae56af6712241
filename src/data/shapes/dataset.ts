import { allocateArray, DataError, hostTensor } from '../../core/index.ts';
import { sampleRandom, type Batch, type Dataset, type Position } from '../dataset.ts';
import { CENTERED_NORMALIZATION } from '../image.ts';
import { TextTokenizer } from '../tokenizer.ts';
import { COLOURS, drawShape, SHAPES } from './draw.ts';

/** True sentences; `{c}` is the colour, `{s}` the shape. */
const TEMPLATES = [
  'a {c} {s}',
  'the {c} {s}',
  'there is a {c} {s}',
  'the shape is a {c} {s}',
  'the color of the {s} is {c}',
  'the image does contain a {c} {s}',
  'a {c} {s} is present in the image',
] as const;

/** Words that are asked with, so that a tokenizer made from the sentences knows them. */
const ASKED = ['what color is the shape?', 'is there not a shape present?', 'is no shape in the image?'];

/** Plain data, so that it can be sent to a worker. */
export interface ShapesOptions {
  /** Pictures in a pass; each pass has others. */
  readonly count: number;
  /** A validation split has the same pictures in every pass, which no training pass has. */
  readonly split: 'train' | 'validation';
  /** Side of the pictures in pixels. */
  readonly size: number;
  /** Parsed `tokenizer.json`. */
  readonly tokenizer: unknown;
  /** Tokens per description. */
  readonly textLength: number;
}

/** Sets the streams of the validation split apart. */
const VALIDATION = 0x7368_6170;

/**
 * Drawn shapes with sentences about them, for pretraining: nothing of a benchmark is in it. Tensors:
 * - `pixels` [B, 3, size, size] float32, normalised
 * - `description_ids` [B, textLength] int64 and `description_mask` [B, textLength] float32
 * - `concept` [B] int64: which colour and shape it is
 */
export class ShapesDataset implements Dataset {
  readonly length: number;
  readonly #options: ShapesOptions;
  readonly #tokenizer: TextTokenizer;

  /** @throws DataError for a count below 1 */
  constructor(options: ShapesOptions) {
    if (!Number.isInteger(options.count) || options.count < 1)
      throw new DataError(`${options.count} pictures are impossible`, 'give a number from 1 up');
    this.length = options.count;
    this.#options = options;
    this.#tokenizer = new TextTokenizer(options.tokenizer);
  }

  batch({ seed, epoch, index }: Position, size: number): Batch {
    const { split, size: side, textLength } = this.#options;
    const count = Math.max(0, Math.min(size, this.length - index));
    const area = 3 * side * side;
    const pixels = allocateArray('float32', count * area);
    const concepts = allocateArray('int64', count);
    const texts: string[] = [];
    const colours = Object.entries(COLOURS);
    for (let row = 0; row < count; row++) {
      const random =
        split === 'train' ? sampleRandom(seed, epoch, index + row) : sampleRandom(VALIDATION, 0, index + row);
      const colour = random.integer(colours.length);
      const shape = random.integer(SHAPES.length);
      const [name, rgb] = colours[colour]!;
      concepts[row] = BigInt(colour * SHAPES.length + shape);
      texts.push(random.pick(TEMPLATES).replace('{c}', name).replace('{s}', SHAPES[shape]!));
      drawShape(SHAPES[shape]!, rgb, random, pixels, row * area, side);
      normalize(pixels, row * area, side * side);
    }
    const described = this.#tokenizer.encodeBatch(texts, textLength);
    return {
      tensors: {
        pixels: hostTensor('float32', [count, 3, side, side], pixels),
        description_ids: described.ids,
        description_mask: described.mask,
        concept: hostTensor('int64', [count], concepts),
      },
      ids: texts.map((text, row) => `shape ${index + row} of pass ${epoch} ${JSON.stringify(text)}`),
    };
  }
}

function normalize(pixels: Float32Array, offset: number, area: number): void {
  const { mean, deviation } = CENTERED_NORMALIZATION;
  for (let c = 0; c < 3; c++) {
    const end = offset + (c + 1) * area;
    for (let i = offset + c * area; i < end; i++) pixels[i] = (pixels[i]! / 255 - mean[c]!) / deviation[c]!;
  }
}

/** All that the sentences can say: what a tokenizer is made from. */
export function* shapeTexts(): Generator<string> {
  yield* ASKED;
  for (const template of TEMPLATES)
    for (const colour of Object.keys(COLOURS))
      for (const shape of SHAPES) yield template.replace('{c}', colour).replace('{s}', shape);
}
