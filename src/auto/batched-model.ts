import { identityOf } from '../core/identity.ts';
import { Recent } from '../core/recent.ts';
import { Turns } from '../core/turns.ts';
import {
  type AnswerPiece,
  type BatchStats,
  type BeamTextOptions,
  ContinuousBatch,
  type ContinuousBatchOptions,
  type LayerChanges,
  type Prompt,
  withText,
} from '../generate/index.ts';
import { changesOf, type WeightedAdapter } from './adapters.ts';
import type { LanguageModel, Message } from './language-model.ts';

/** Lists of adapters whose changes are kept ready. */
const KEPT = 16;

/**
 * A loaded model that answers many at once: requests join and leave a running batch token by token, what was read before is
 * not read again, and each may have adapters of its own. What a batch cannot do is answered by itself, one after another:
 * beams, and models with further inputs of each row.
 */
export class BatchedModel {
  readonly model: LanguageModel;
  readonly #batch: ContinuousBatch | undefined;
  /** By what tells lists of adapters apart, the one that was used last at the end. */
  readonly #changes = new Recent<LayerChanges>(KEPT);
  /** Answers that are made by themselves wait for each other. */
  readonly #turns = new Turns();

  private constructor(model: LanguageModel, batch: ContinuousBatch | undefined) {
    this.model = model;
    this.#batch = batch;
  }

  /** @param model stays the caller's, who frees it after this @throws GenerationError for options out of their range */
  static async create(model: LanguageModel, options: ContinuousBatchOptions = {}): Promise<BatchedModel> {
    const { decoding } = model.parts;
    const further = Object.keys(decoding.shape.context ?? {}).length > 0;
    return new BatchedModel(model, further ? undefined : await ContinuousBatch.create(decoding, options));
  }

  /** What the batch does; nothing where all is answered one after another. */
  get stats(): BatchStats | undefined {
    return this.#batch?.stats;
  }

  /** A conversation as the model reads it, see {@link LanguageModel.prompt}. @param adapters those that will answer it */
  async prompt(
    messages: readonly Message[],
    variables?: Readonly<Record<string, unknown>>,
    adapters: readonly WeightedAdapter[] = [],
  ): Promise<Prompt> {
    return await this.model.prompt(messages, variables, this.#changesOf(adapters));
  }

  /**
   * Answers a prompt beside all others, as {@link LanguageModel.answer}.
   * @param adapters with which this one is answered
   * @throws GenerationError when they are of another model, too
   */
  answer(
    prompt: Prompt,
    options: BeamTextOptions = {},
    adapters: readonly WeightedAdapter[] = [],
  ): AsyncGenerator<AnswerPiece, void, void> {
    const adapter = this.#changesOf(adapters);
    const { numBeams = 1, cache, ...rest } = options;
    const batch = this.#batch;
    if (batch === undefined || numBeams > 1 || cache !== undefined) return this.#alone(prompt, options, adapter);
    const { tokenizer } = this.model.parts;
    return withText(
      (changed) => batch.generate(prompt, { ...changed, adapter }),
      tokenizer,
      this.model.withDefaults(rest),
    );
  }

  async *#alone(
    prompt: Prompt,
    options: BeamTextOptions,
    adapter: LayerChanges | undefined,
  ): AsyncGenerator<AnswerPiece, void, void> {
    const end = await this.#turns.take(options.signal);
    try {
      await this.model.parts.decoding.adapt(adapter ?? new Map());
      yield* this.model.answer(prompt, options);
    } finally {
      end();
    }
  }

  /** The same object for the same adapters, by which the batch knows them. */
  #changesOf(adapters: readonly WeightedAdapter[]): LayerChanges | undefined {
    if (adapters.length === 0) return undefined;
    const key = adapters.map(({ adapter, weight = 1 }) => `${identityOf(adapter)}×${weight}`).join(' ');
    return this.#changes.get(key, () => changesOf(adapters));
  }

  /** Ends all answers. The model itself stays. */
  async dispose(): Promise<void> {
    await this.#batch?.dispose();
    if (this.#batch === undefined) (await this.#turns.take())();
  }
}
