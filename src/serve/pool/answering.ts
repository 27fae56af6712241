/** How a loaded model serves several requests: the seam at which one engine may be exchanged for another. */
import {
  type AnswerPiece,
  BatchedModel,
  changesOf,
  type LanguageModel,
  type LoadedAdapter,
  type LoadedModel,
  type Message,
  type WeightedAdapter,
} from '../../auto/index.ts';
import { Turns } from '../../core/turns.ts';
import type { BatchStats, ContinuousBatchOptions, Prompt, TextOptions } from '../../generate/index.ts';

/** Which adapter a request wants, and what ends it. */
export interface AnsweringOptions {
  readonly adapter?: LoadedAdapter | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Answers from one language model, for many requests at once, each with its own adapter or none. */
export interface Answering {
  /** A conversation as the model reads it, pictures being seen with the adapter. */
  prompt(messages: readonly Message[], options: AnsweringOptions): Promise<Prompt>;
  /**
   * As {@link LanguageModel.answer}; with `answers` in the options several, told apart by the row of a token. Nothing is done
   * before the first piece is asked for, and whoever stops asking must call `return`.
   */
  answer(
    prompt: Prompt,
    options: TextOptions,
    adapter: LoadedAdapter | undefined,
  ): AsyncGenerator<AnswerPiece, void, void>;
  /** What the model does beside answering, its space of vectors having the adapter in place. */
  use<T>(work: (model: LanguageModel) => Promise<T>, options: AnsweringOptions): Promise<T>;
  /** What is under way, where that is known. */
  readonly stats: BatchStats | undefined;
  /** Frees what is held beside the model. */
  dispose(): Promise<void>;
}

export type AnsweringFactory = (model: LanguageModel) => Promise<Answering>;

/** All requests in one running batch, see {@link BatchedModel}. */
export class BatchedAnswering implements Answering {
  readonly #model: LanguageModel;
  readonly #batched: BatchedModel;
  /** The space of vectors has one adapter at a time. */
  readonly #turns = new Turns();
  #adapter: LoadedAdapter | undefined;

  private constructor(model: LanguageModel, batched: BatchedModel) {
    this.#model = model;
    this.#batched = batched;
  }

  /** @param options.rows answers that are written at once  @throws GenerationError for options out of their range */
  static async create(model: LanguageModel, options: ContinuousBatchOptions = {}): Promise<BatchedAnswering> {
    return new BatchedAnswering(model, await BatchedModel.create(model, options));
  }

  get stats(): BatchStats | undefined {
    return this.#batched.stats;
  }

  async prompt(messages: readonly Message[], { adapter, signal }: AnsweringOptions): Promise<Prompt> {
    signal?.throwIfAborted();
    return this.#batched.prompt(messages, undefined, listOf(adapter));
  }

  answer(
    prompt: Prompt,
    options: TextOptions,
    adapter: LoadedAdapter | undefined,
  ): AsyncGenerator<AnswerPiece, void, void> {
    return this.#batched.answer(prompt, options, listOf(adapter));
  }

  async use<T>(work: (model: LanguageModel) => Promise<T>, { adapter, signal }: AnsweringOptions): Promise<T> {
    return this.#turns.run(async () => {
      if (this.#adapter !== adapter) {
        await this.#model.parts.space?.adapt(changesOf(listOf(adapter)));
        this.#adapter = adapter;
      }
      return work(this.#model);
    }, signal);
  }

  async dispose(): Promise<void> {
    await this.#batched.dispose();
  }
}

/** Adapters that answers are made with: none, or the one. */
export function listOf(adapter: LoadedAdapter | undefined): readonly WeightedAdapter[] {
  return adapter === undefined ? [] : [{ adapter }];
}

/** What models do that write no answers token by token, one request after another. */
export class TurnByTurn<Model extends LoadedModel> {
  readonly #model: Model;
  readonly #turns = new Turns();

  constructor(model: Model) {
    this.#model = model;
  }

  async use<T>(work: (model: Model) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#turns.run(() => work(this.#model), signal);
  }
}
