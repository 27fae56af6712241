/** How a loaded model serves several requests: the seam at which one engine may be exchanged for another. */
import type { AnswerPiece, LanguageModel, LoadedAdapter, LoadedModel, Message } from '../../auto/index.ts';
import type { Prompt, TextOptions } from '../../generate/index.ts';
import { Turns } from './turns.ts';

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
  /** Anything else that the model does, with the adapter in place. */
  use<T>(work: (model: LanguageModel) => Promise<T>, options: AnsweringOptions): Promise<T>;
  /** The adapter will not be asked for again. */
  forget(adapter: LoadedAdapter): void;
  /** Frees what is held beside the model. */
  dispose(): Promise<void>;
}

export type AnsweringFactory = (model: LanguageModel) => Answering | Promise<Answering>;

/** One request after another: each has the model for itself from its first token to its last. */
export class OneByOne implements Answering {
  readonly #model: LanguageModel;
  readonly #turns = new Turns();
  #adapter: LoadedAdapter | undefined;

  constructor(model: LanguageModel) {
    this.#model = model;
  }

  async prompt(messages: readonly Message[], options: AnsweringOptions): Promise<Prompt> {
    return this.use((model) => model.prompt(messages), options);
  }

  async *answer(
    prompt: Prompt,
    options: TextOptions,
    adapter: LoadedAdapter | undefined,
  ): AsyncGenerator<AnswerPiece, void, void> {
    const end = await this.#turns.take(options.signal);
    try {
      await this.#adapt(adapter);
      yield* this.#model.answer(prompt, options);
    } finally {
      end();
    }
  }

  async use<T>(work: (model: LanguageModel) => Promise<T>, { adapter, signal }: AnsweringOptions): Promise<T> {
    const end = await this.#turns.take(signal);
    try {
      await this.#adapt(adapter);
      return await work(this.#model);
    } finally {
      end();
    }
  }

  forget(): void {
    // What is in place is taken away by the next request that wants another.
  }

  async dispose(): Promise<void> {}

  async #adapt(adapter: LoadedAdapter | undefined): Promise<void> {
    if (this.#adapter === adapter) return;
    await this.#model.useAdapters(adapter === undefined ? [] : [{ adapter }]);
    this.#adapter = adapter;
  }
}

/** What models do that write no answers token by token, one request after another. */
export class TurnByTurn<Model extends LoadedModel> {
  readonly #model: Model;
  readonly #turns = new Turns();

  constructor(model: Model) {
    this.#model = model;
  }

  async use<T>(work: (model: Model) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const end = await this.#turns.take(signal);
    try {
      return await work(this.#model);
    } finally {
      end();
    }
  }
}
