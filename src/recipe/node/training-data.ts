import { join } from 'node:path';
import { CheckpointError, RecipeError } from '../../core/index.ts';
import {
  AUGMENTATIONS,
  CENTERED_NORMALIZATION,
  EASY_VQA_ANSWERS,
  SORT_OF_CLEVR_ANSWERS,
  SORT_OF_CLEVR_NORMALIZATION,
  SORT_OF_CLEVR_QUESTIONS,
  type DatasetDescription,
  type EasyVqaOptions,
  type EmojiOptions,
  type Fraction,
  type ImageNormalization,
  type SortOfClevrOptions,
  type ShapesOptions,
  shapeTexts,
  trainTokenizer,
  TextTokenizer,
} from '../../data/index.ts';
import {
  EASY_VQA_MODULE,
  EMOJI_DESCRIPTIONS_MODULE,
  EMOJI_MODULE,
  loadConcepts,
  makeEasyVqaTokenizer,
  makeEmojiTokenizer,
  makeSortOfClevrTokenizer,
  readEasyVqa,
  SORT_OF_CLEVR_MODULE,
  SHAPES_MODULE,
} from '../../data/node/index.ts';
import { openModelFolder } from '../../hub/node/index.ts';
import type { FusionPreprocessing } from '../../models/fusion/processor.ts';
import type {
  EasyVqaSection,
  EmojiDescriptionsSection,
  EmojiStatementsSection,
  SortOfClevrSection,
  ShapesSection,
  TrainingRecipe,
} from '../types.ts';

/** The data of a recipe: descriptions from which loaders are opened, and what a model needs to know of them. */
export interface TrainingData {
  readonly tokenizer: TextTokenizer;
  readonly train: DatasetDescription;
  /** From the training studios or the training pictures; absent where none is held out. */
  readonly validation: DatasetDescription | undefined;
  /** Absent in pretraining, which nothing is tested after. */
  readonly test: DatasetDescription | undefined;
  /** Texts per picture in validation and test. */
  readonly textsPerPicture: number;
  /** How many concepts the pictures show; absent where they are not counted. */
  readonly concepts: number | undefined;
  readonly preprocessing: FusionPreprocessing;
}

/** Statements per picture in evaluation: all of a concept's, so that each picture is encoded once. */
const EVALUATED_TOGETHER = 8;

/**
 * Makes the tokenizer and describes the splits.
 * @param cacheFolder for rendered drawings
 * @throws RecipeError when easy-VQA's folder is not named, DataError when it cannot be read
 */
export async function prepareTrainingData(recipe: TrainingRecipe, cacheFolder: string): Promise<TrainingData> {
  const { data, model } = recipe;
  const tokenizer = model.from === undefined ? undefined : await readTokenizer(model.from);
  if (data.kind === 'emoji-statements' || data.kind === 'emoji-descriptions')
    return emojiData(recipe, data, cacheFolder, tokenizer);
  if (data.kind === 'sort-of-clevr') return sortOfClevrData(recipe, data);
  if (data.kind === 'shape-descriptions') return shapesData(recipe, data, tokenizer);
  return easyVqaData(recipe, data, tokenizer);
}

/** The tokenizer of the model that training begins with. @throws CheckpointError */
async function readTokenizer(folder: string): Promise<TextTokenizer> {
  const { tokenizer, weights } = await openModelFolder(folder);
  await weights.close();
  if (tokenizer === undefined)
    throw new CheckpointError(`${folder} has no tokenizer.json`, 'name the folder of a trained model');
  return new TextTokenizer(tokenizer, join(folder, 'tokenizer.json'));
}

async function emojiData(
  { model, objectives, train }: TrainingRecipe,
  data: EmojiStatementsSection | EmojiDescriptionsSection,
  cacheFolder: string,
  known: TextTokenizer | undefined,
): Promise<TrainingData> {
  const tokenizer = known ?? (await makeEmojiTokenizer(model.text.vocabularySize));
  const masked = data.kind === 'emoji-descriptions';
  const describe = (
    options: Pick<
      EmojiOptions,
      'split' | 'sets' | 'statements' | 'neighbours' | 'truths' | 'augmentation' | 'fraction'
    >,
  ): DatasetDescription => ({
    module: masked ? EMOJI_DESCRIPTIONS_MODULE : EMOJI_MODULE,
    options: {
      size: model.vision.imageSize,
      tokenizer: tokenizer.json,
      textLength: model.text.maxLength,
      cacheFolder,
      ...options,
    } satisfies EmojiOptions,
  });
  const fixed = { statements: EVALUATED_TOGETHER };
  return {
    tokenizer,
    train: describe({
      split: 'train',
      sets: data.train,
      statements: masked ? 1 : data.statements,
      ...(masked ? {} : fractionOf(data.fraction, train.seed)),
      neighbours: data.neighbours,
      truths: objectives.truths > 0,
      augmentation: AUGMENTATIONS[data.augment],
    }),
    validation: describe({ split: 'validation', sets: data.train, ...fixed }),
    test: masked ? undefined : describe({ split: 'test', sets: data.test, ...fixed }),
    textsPerPicture: EVALUATED_TOGETHER,
    concepts: (await loadConcepts()).length,
    preprocessing: preprocessingOf(model, masked ? [] : ['false', 'true']),
  };
}

async function easyVqaData(
  { model, train }: TrainingRecipe,
  data: EasyVqaSection,
  known: TextTokenizer | undefined,
): Promise<TrainingData> {
  const { path, heldOut, questions, augment } = data;
  if (path === undefined) {
    throw new RecipeError('the recipe does not say where easy-VQA lies', 'add --data with its folder or tar file');
  }
  const tokenizer = known ?? (await makeEasyVqaTokenizer(path, model.text.vocabularySize));
  // Whether the test split can be read is not to be found out after hours of training.
  const { width, height } = await readEasyVqa(path, 'test');
  const side = model.vision.imageSize;
  if (width !== side || height !== side) {
    throw new RecipeError(
      `model.vision.imageSize is ${side}, but the pictures in ${path} are ${width} × ${height}`,
      `write imageSize: ${width}`,
    );
  }
  const describe = (split: EasyVqaOptions['split']): DatasetDescription => ({
    module: EASY_VQA_MODULE,
    options: {
      path,
      split,
      heldOut,
      tokenizer: tokenizer.json,
      textLength: model.text.maxLength,
      questions,
      ...fractionOf(data.fraction, train.seed),
      augment,
    } satisfies EasyVqaOptions,
  });
  return {
    tokenizer,
    train: describe('train'),
    validation: heldOut > 0 ? describe('validation') : undefined,
    test: describe('test'),
    textsPerPicture: 1,
    concepts: undefined,
    preprocessing: preprocessingOf(model, EASY_VQA_ANSWERS),
  };
}

/** Pictures of the validation split of drawn shapes. */
const SHAPES_HELD_OUT = 960;

function shapesData(
  { model }: TrainingRecipe,
  { count }: ShapesSection,
  known: TextTokenizer | undefined,
): TrainingData {
  const tokenizer = known ?? trainTokenizer(shapeTexts(), { vocabSize: model.text.vocabularySize });
  const describe = (split: ShapesOptions['split'], pictures: number): DatasetDescription => ({
    module: SHAPES_MODULE,
    options: {
      split,
      count: pictures,
      size: model.vision.imageSize,
      tokenizer: tokenizer.json,
      textLength: model.text.maxLength,
    } satisfies ShapesOptions,
  });
  return {
    tokenizer,
    train: describe('train', count),
    validation: describe('validation', SHAPES_HELD_OUT),
    test: undefined,
    textsPerPicture: 1,
    concepts: undefined,
    preprocessing: preprocessingOf(model, []),
  };
}

function sortOfClevrData(
  { model }: TrainingRecipe,
  { heldOut, augment, curriculum }: SortOfClevrSection,
): TrainingData {
  const tokenizer = makeSortOfClevrTokenizer(model.text.vocabularySize);
  const describe = (split: SortOfClevrOptions['split']): DatasetDescription => ({
    module: SORT_OF_CLEVR_MODULE,
    options: {
      split,
      heldOut,
      tokenizer: tokenizer.json,
      textLength: model.text.maxLength,
      augment,
      curriculum,
    } satisfies SortOfClevrOptions,
  });
  return {
    tokenizer,
    train: describe('train'),
    validation: heldOut > 0 ? describe('validation') : undefined,
    test: describe('test'),
    textsPerPicture: SORT_OF_CLEVR_QUESTIONS,
    concepts: undefined,
    preprocessing: preprocessingOf(model, SORT_OF_CLEVR_ANSWERS, SORT_OF_CLEVR_NORMALIZATION),
  };
}

/** Nothing where everything is used. */
function fractionOf(share: number | undefined, seed: number): { fraction?: Fraction } {
  return share === undefined ? {} : { fraction: { share, seed } };
}

function preprocessingOf(
  { vision, text }: TrainingRecipe['model'],
  classNames: readonly string[],
  { mean, deviation }: ImageNormalization = CENTERED_NORMALIZATION,
): FusionPreprocessing {
  const triple = (values: readonly number[]): [number, number, number] => [values[0]!, values[1]!, values[2]!];
  return {
    imageSize: vision.imageSize,
    imageMean: triple(mean),
    imageDeviation: triple(deviation),
    textLength: text.maxLength,
    classNames,
  };
}
