import { allocateArray, DataError, hostTensor, type HostTensor, type Random } from '../../core/index.ts';
import { sampleRandom, shuffledOrder, type Batch, type Dataset, type Position } from '../dataset.ts';
import { chooseFraction, type Fraction } from '../fraction.ts';
import { TextTokenizer } from '../tokenizer.ts';
import {
  DEFAULT_AUGMENTATION,
  DEFAULT_NORMALIZATION,
  EmojiPainter,
  type AugmentOptions,
  type Normalization,
} from './augment.ts';
import { LANGUAGES, type Concept, type DrawingSet } from './concepts.ts';
import { mayMirror } from './mirror.ts';
import { neighbourOrder } from './neighbours.ts';
import { isDrawn, type Sprites } from './sprites.ts';
import { HARDNESSES, StatementMaker, type Statement } from './statements.ts';
import { STATEMENT_KINDS } from './templates.ts';
import { TruthTable } from './truths.ts';

/** Plain data, so that it can be sent to a worker. */
export interface EmojiOptions {
  /** `train` varies without end, `validation` and `test` are fixed lists: see {@link EmojiDataset}. */
  readonly split: 'train' | 'validation' | 'test';
  /** The drawings that are used. */
  readonly sets: readonly DrawingSet[];
  /** Side of the pictures in pixels, 32 to 64. */
  readonly size: number;
  /** Side at which drawings are rendered and kept; 64 unless told. */
  readonly renderSize?: number;
  /** Folder for rendered drawings. */
  readonly cacheFolder?: string;
  /** Parsed `tokenizer.json`. */
  readonly tokenizer: unknown;
  /** Tokens per statement and per description. */
  readonly textLength: number;
  readonly descriptionLength?: number;
  /** Statements per picture (training); for the fixed lists a divisor of 8. 1 unless told. */
  readonly statements?: number;
  /** Pictures of one subgroup that follow each other in training, as hard examples for one another; 1 unless told. */
  readonly neighbours?: number;
  /** Adds `truth` to training batches. */
  readonly truths?: boolean;
  /** Only these training drawings; all unless told. */
  readonly fraction?: Fraction;
  readonly augmentation?: Partial<AugmentOptions>;
  readonly normalization?: Normalization;
}

/** What all workers share. */
export interface EmojiMaterial {
  readonly concepts: readonly Concept[];
  /** One for each set of the options, in their order. */
  readonly sprites: readonly Sprites[];
}

/**
 * B pictures with K statements each. Tensors:
 * - `pixels` [B, 3, size, size] float32, normalised
 * - `ids` [B·K, textLength] int64 and `mask` [B·K, textLength] float32: the statements, those of one picture side by side
 * - `label` [B·K] int64: 1 true, 0 false
 * - `concept` [B] int64: index of the concept in the picture
 * - `truth` [B·K, concepts] float32, where asked for: of which concepts a statement is true (1), false (0), or neither (−1)
 * - `description_ids` [B, descriptionLength] int64 and `description_mask` float32: a true description in either language
 */
export interface EmojiBatch extends Batch {
  /** B·K statements. */
  readonly statements: readonly Statement[];
}

/** Statements about each concept in a fixed list: in each language two true, one random and one hard false one. */
export const STATEMENTS_PER_CONCEPT = 8;
const FIXED_SEED: Readonly<Record<'validation' | 'test', number>> = { validation: 20_261, test: 20_262 };

/**
 * Emoji with statements about them.
 * - `train`: a pass shows every drawing of every set once, varied, with statements drawn by chance.
 * - `validation`: every concept once, from one set after the other, varied as in training.
 * - `test`: every concept from the first set, as it is on white.
 *
 * The fixed lists hold 8 statements for each concept, half of them false (half of these hard), half Chinese; they do not
 * depend on the position's seed and epoch. Sample `i` of a fixed list is picture ⌊i·K / 8⌋ with K of its statements.
 */
export class EmojiDataset implements Dataset<EmojiBatch> {
  readonly length: number;
  readonly concepts: readonly Concept[];
  readonly #options: EmojiOptions;
  readonly #sprites: readonly Sprites[];
  readonly #tokenizer: TextTokenizer;
  readonly #maker: StatementMaker;
  readonly #truths: TruthTable | undefined;
  readonly #painter: EmojiPainter;
  readonly #perPicture: number;
  /** Drawings to be trained on: set · concepts + concept. */
  readonly #drawings: Uint32Array;
  #order: { readonly key: string; readonly items: Uint32Array } | undefined;

  /** @throws DataError for options that do not fit together */
  constructor(options: EmojiOptions, material: EmojiMaterial) {
    const perPicture = options.statements ?? 1;
    if (options.sets.length === 0) throw new DataError('no set of drawings is given', 'name at least one, e.g. noto');
    if (!Number.isInteger(perPicture) || perPicture < 1)
      throw new DataError(`${perPicture} statements per picture are impossible`, 'give a number from 1 up');
    if (options.split !== 'train' && STATEMENTS_PER_CONCEPT % perPicture !== 0) {
      throw new DataError(
        `${perPicture} statements per picture do not divide ${STATEMENTS_PER_CONCEPT}`,
        'use 1, 2, 4 or 8',
      );
    }
    this.concepts = material.concepts;
    this.#options = options;
    this.#sprites = material.sprites;
    this.#tokenizer = new TextTokenizer(options.tokenizer);
    this.#maker = new StatementMaker(material.concepts);
    this.#truths = options.truths === true && options.split === 'train' ? new TruthTable(this.#maker.facts) : undefined;
    this.#painter = new EmojiPainter(
      options.size,
      { ...DEFAULT_AUGMENTATION, ...options.augmentation },
      options.normalization ?? DEFAULT_NORMALIZATION,
    );
    this.#perPicture = perPicture;
    const count = material.concepts.length;
    const drawings = Array.from({ length: count * options.sets.length }, (_, item) => item).filter((item) =>
      isDrawn(material.sprites[Math.floor(item / count)]!, item % count),
    );
    const { fraction } = options;
    this.#drawings = Uint32Array.from(fraction === undefined ? drawings : chooseFraction(drawings, fraction));
    this.length =
      options.split === 'train'
        ? this.#drawings.length
        : (material.concepts.length * STATEMENTS_PER_CONCEPT) / perPicture;
  }

  batch(position: Position, size: number): EmojiBatch {
    const { split, size: side, sets, textLength, descriptionLength = textLength } = this.#options;
    const count = Math.max(0, Math.min(size, this.length - position.index));
    const pixels = allocateArray('float32', count * 3 * side * side);
    const concepts = allocateArray('int64', count);
    const statements: Statement[] = [];
    const descriptions: string[] = [];
    const ids: string[] = [];
    for (let row = 0; row < count; row++) {
      const sample =
        split === 'train'
          ? this.#trainSample(position, position.index + row)
          : this.#fixedSample(split, position.index + row);
      const offset = row * 3 * side * side;
      const sprites = this.#sprites[sample.set]!;
      if (split === 'test') this.#painter.plain(sprites, sample.concept.index, pixels, offset);
      else
        this.#painter.augmented(
          sprites,
          sample.concept.index,
          sample.random,
          mayMirror(sample.concept),
          pixels,
          offset,
        );
      concepts[row] = BigInt(sample.concept.index);
      statements.push(...sample.statements);
      descriptions.push(sample.description);
      ids.push(`${sets[sample.set]}/${sample.concept.hexcode} ${JSON.stringify(sample.statements[0]!.text)}`);
    }
    const texts = this.#tokenizer.encodeBatch(statements.map((statement) => statement.text), textLength); // prettier-ignore
    const described = this.#tokenizer.encodeBatch(descriptions, descriptionLength);
    return {
      tensors: {
        pixels: hostTensor('float32', [count, 3, side, side], pixels),
        ids: texts.ids,
        mask: texts.mask,
        label: hostTensor(
          'int64',
          [statements.length],
          BigInt64Array.from(statements, (statement) => (statement.label ? 1n : 0n)),
        ),
        concept: hostTensor('int64', [count], concepts),
        description_ids: described.ids,
        description_mask: described.mask,
        ...(this.#truths === undefined ? {} : { truth: this.#truthOf(statements, this.#truths) }),
      },
      ids,
      statements,
    };
  }

  #truthOf(statements: readonly Statement[], truths: TruthTable): HostTensor<'float32'> {
    const width = this.concepts.length;
    const data = allocateArray('float32', statements.length * width);
    statements.forEach((statement, row) => data.set(truths.of(statement), row * width));
    return hostTensor('float32', [statements.length, width], data);
  }

  #trainSample({ seed, epoch }: Position, index: number): Sample {
    const item = this.#drawings[this.#trainOrder(seed, epoch)[index]!]!;
    const concept = this.concepts[item % this.concepts.length]!;
    const random = sampleRandom(seed, epoch, item);
    const statements = Array.from({ length: this.#perPicture }, () => this.#maker.make(concept, random));
    const description = this.#maker.describe(concept, random.pick(LANGUAGES), random.integer(5), random);
    return { set: Math.floor(item / this.concepts.length), concept, random, statements, description };
  }

  #trainOrder(seed: number, epoch: number): Uint32Array {
    const { neighbours = 1 } = this.#options;
    if (neighbours === 1) return shuffledOrder(this.length, seed, epoch);
    const key = `${seed}/${epoch}`;
    if (this.#order?.key !== key) {
      const groups = Array.from(this.#drawings, (item) => this.concepts[item % this.concepts.length]!.subgroup);
      this.#order = { key, items: neighbourOrder(groups, neighbours, seed, epoch) };
    }
    return this.#order.items;
  }

  #fixedSample(split: 'validation' | 'test', index: number): Sample {
    const seed = FIXED_SEED[split];
    const first = index * this.#perPicture;
    const concept = this.concepts[Math.floor(first / STATEMENTS_PER_CONCEPT)]!;
    const statements = Array.from({ length: this.#perPicture }, (_, i) => {
      const place = (first + i) % STATEMENTS_PER_CONCEPT;
      const hardness = HARDNESSES[Math.max(0, (place >> 1) - 1)]!;
      return this.#maker.make(concept, sampleRandom(seed, 1, first + i), { language: LANGUAGES[place % 2]!, hardness });
    });
    // The picture is the same in all samples that show it.
    const random = sampleRandom(seed, 0, concept.index);
    const sets = this.#options.sets.map((_, set) => set).filter((set) => isDrawn(this.#sprites[set]!, concept.index));
    return {
      set: split === 'test' ? 0 : sets[concept.index % sets.length]!,
      concept,
      random,
      statements,
      description: this.#maker.describe(concept, LANGUAGES[concept.index % 2]!),
    };
  }
}

interface Sample {
  /** Position in the options' sets. */
  readonly set: number;
  readonly concept: Concept;
  readonly random: Random;
  readonly statements: readonly Statement[];
  readonly description: string;
}

/** All that statements and descriptions can say, once: what a tokenizer is made from. */
export function* emojiTexts(concepts: readonly Concept[]): Generator<string> {
  const maker = new StatementMaker(concepts);
  for (const concept of concepts) {
    for (const language of LANGUAGES) {
      yield maker.describe(concept, language, Number.POSITIVE_INFINITY);
      for (const kind of STATEMENT_KINDS)
        yield maker.make(concept, sampleRandom(0, 0, concept.index), { language, kind, hardness: 'true' }).text;
    }
  }
}
