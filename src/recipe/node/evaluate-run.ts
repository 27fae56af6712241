import { DataError, type HostTensor } from '../../core/index.ts';
import type { Batch, DatasetDescription, EmojiBatch, Loader, SortOfClevrBatch } from '../../data/index.ts';
import { openLoader } from '../../data/node/index.ts';
import {
  answerQuestions,
  classificationResult,
  type ClassificationResult,
  type ScoredAnswer,
} from '../../eval/classification.ts';
import {
  emojiResult,
  scoreStatements,
  statementThreshold,
  type EmojiResult,
  type ScoredStatement,
} from '../../eval/emoji-statements.ts';
import { FusionScorer } from '../../eval/fusion-scorer.ts';
import {
  answerSortOfClevr,
  sortOfClevrResult,
  type SortOfClevrAnswered,
  type SortOfClevrResult,
} from '../../eval/sort-of-clevr.ts';
import type { FusionConfig } from '../../models/fusion/model.ts';
import type { Runtime } from '../../runtime/types.ts';
import type { TrainingRecipe } from '../types.ts';
import type { TrainingData } from './training-data.ts';

const BATCH = 64;

/** What a test gave, with every single answer. */
export type RunEvaluation =
  | {
      readonly kind: 'emoji-statements';
      readonly threshold: number;
      readonly validation: EmojiResult;
      readonly test: EmojiResult;
      readonly scored: readonly ScoredStatement[];
    }
  | {
      /** Means over the validation split, where there is one. */
      readonly kind: 'pretraining';
      readonly validation: Readonly<Record<string, number>> | undefined;
      readonly scored: readonly [];
    }
  | {
      readonly kind: 'easy-vqa';
      readonly validation: ClassificationResult | undefined;
      readonly test: ClassificationResult;
      readonly scored: readonly ScoredAnswer[];
    }
  | {
      readonly kind: 'sort-of-clevr';
      readonly validation: SortOfClevrResult | undefined;
      readonly test: SortOfClevrResult;
      readonly scored: readonly SortOfClevrAnswered[];
    };

/** Evaluates weights on the validation and test splits of a recipe. */
export class RunEvaluator {
  readonly #recipe: TrainingRecipe;
  readonly #data: TrainingData;
  readonly #scorer: FusionScorer;
  readonly #interrupt: AbortSignal | undefined;

  private constructor(
    recipe: TrainingRecipe,
    data: TrainingData,
    scorer: FusionScorer,
    interrupt: AbortSignal | undefined,
  ) {
    this.#recipe = recipe;
    this.#data = data;
    this.#scorer = scorer;
    this.#interrupt = interrupt;
  }

  /**
   * @param weights by the model's own parameter paths
   * @param interrupt when it is aborted, evaluations end by throwing its reason
   */
  static async create(
    runtime: Runtime,
    recipe: TrainingRecipe,
    data: TrainingData,
    config: FusionConfig,
    weights: Readonly<Record<string, HostTensor>>,
    interrupt?: AbortSignal,
  ): Promise<RunEvaluator> {
    const sizes = { pictures: BATCH, texts: BATCH * data.textsPerPicture, textLength: config.text.maxLength };
    return new RunEvaluator(recipe, data, await FusionScorer.create(runtime, config, weights, sizes), interrupt);
  }

  /** Figures of the validation split for the metrics of a run; none without such a split. */
  async validate(weights: Readonly<Record<string, HostTensor>>): Promise<Record<string, number>> {
    const { validation, preprocessing } = this.#data;
    if (validation === undefined) return {};
    await this.#scorer.setWeights(weights);
    if (this.#recipe.data.kind === 'emoji-statements') {
      const scored = await this.#pass<EmojiBatch, ScoredStatement[]>(validation, scoreStatements);
      const { overall, random, hard } = emojiResult(scored, statementThreshold(scored));
      return {
        balancedAccuracy: overall.balancedAccuracy,
        balancedAccuracyRandom: random.balancedAccuracy,
        balancedAccuracyHard: hard.balancedAccuracy,
      };
    }
    if (this.#recipe.data.kind === 'sort-of-clevr') {
      const { nonRelational, relational } = (await this.#sortOfClevr(validation)).result;
      return { nonRelational: nonRelational.accuracy, relational: relational.accuracy };
    }
    const answers = await this.#pass(validation, answerQuestions);
    return { accuracy: classificationResult(answers, preprocessing.classNames.length).accuracy };
  }

  /** Score above which statements are called true, from the validation split; undefined for other data. */
  async threshold(): Promise<{ value: number; scored: readonly ScoredStatement[] } | undefined> {
    const { validation } = this.#data;
    if (this.#recipe.data.kind !== 'emoji-statements' || validation === undefined) return undefined;
    const scored = await this.#pass<EmojiBatch, ScoredStatement[]>(validation, scoreStatements);
    // Where labels are few, those of the validation split are not there either: the larger logit wins.
    return { value: this.#recipe.data.fraction === undefined ? statementThreshold(scored) : 0, scored };
  }

  /** The test split, at a threshold that was fixed before. */
  async test(threshold: { value: number; scored: readonly ScoredStatement[] } | undefined): Promise<RunEvaluation> {
    const { validation, test, preprocessing } = this.#data;
    if (test === undefined) throw new DataError('there is nothing to test on');
    if (threshold !== undefined) {
      const scored = await this.#pass<EmojiBatch, ScoredStatement[]>(test, scoreStatements);
      return {
        kind: 'emoji-statements',
        threshold: threshold.value,
        validation: emojiResult(threshold.scored, threshold.value),
        test: emojiResult(scored, threshold.value),
        scored,
      };
    }
    if (this.#recipe.data.kind === 'sort-of-clevr') {
      const held = validation && (await this.#sortOfClevr(validation)).result;
      const { result, scored } = await this.#sortOfClevr(test);
      return { kind: 'sort-of-clevr', validation: held, test: result, scored };
    }
    const classes = preprocessing.classNames.length;
    const held = validation && classificationResult(await this.#pass(validation, answerQuestions), classes);
    const scored = await this.#pass(test, answerQuestions);
    return { kind: 'easy-vqa', validation: held, test: classificationResult(scored, classes), scored };
  }

  dispose(): void {
    this.#scorer.dispose();
  }

  async #sortOfClevr(
    description: DatasetDescription,
  ): Promise<{ result: SortOfClevrResult; scored: SortOfClevrAnswered[] }> {
    const scored = await this.#pass<SortOfClevrBatch, SortOfClevrAnswered[]>(description, answerSortOfClevr);
    return { result: sortOfClevrResult(scored, this.#data.preprocessing.classNames.length), scored };
  }

  async #pass<B extends Batch, R>(
    description: DatasetDescription,
    score: (loader: Loader<B>, scorer: FusionScorer) => Promise<R>,
  ): Promise<R> {
    const { workers } = this.#recipe.data;
    const loader = await openLoader<B>(description, { seed: 0, batchSize: BATCH, epochs: 1, dropLast: false, workers });
    try {
      return await score(heedful(loader, this.#interrupt), this.#scorer);
    } finally {
      await loader.close();
    }
  }
}

/** The loader, giving no further batch once the signal is aborted. */
function heedful<B extends Batch>(loader: Loader<B>, interrupt: AbortSignal | undefined): Loader<B> {
  return {
    batchesPerEpoch: loader.batchesPerEpoch,
    get state() {
      return loader.state;
    },
    next: async () => {
      interrupt?.throwIfAborted();
      return loader.next();
    },
    close: () => loader.close(),
  };
}
