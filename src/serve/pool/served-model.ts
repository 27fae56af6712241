import type {
  AnswerPiece,
  LanguageModel,
  LoadedAdapter,
  LoadedModel,
  Message,
  WeightedAdapter,
} from '../../auto/index.ts';
import type { Prompt, TextOptions } from '../../generate/index.ts';
import { embeds } from '../../tasks/index.ts';
import { incapable } from '../errors.ts';
import { type Answering, listOf, TurnByTurn } from './answering.ts';

/** What a model can be asked for. */
export const CAPABILITIES = ['chat', 'images', 'embeddings', 'grounding', 'classification', 'explanations'] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** A model, or one of its adapters, under the name that requests call it by. */
export class ServedModel {
  /** `starter`, or `starter:cups` for an adapter. */
  readonly id: string;
  /** Name of the model that an adapter is for; the model's own otherwise. */
  readonly base: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly model: LoadedModel;
  readonly adapter: LoadedAdapter | undefined;
  readonly #answering: Answering | TurnByTurn<LoadedModel>;

  constructor(
    parts: Pick<ServedModel, 'id' | 'base' | 'created' | 'model' | 'adapter'>,
    answering: Answering | TurnByTurn<LoadedModel>,
  ) {
    this.id = parts.id;
    this.base = parts.base;
    this.created = parts.created;
    this.model = parts.model;
    this.adapter = parts.adapter;
    this.#answering = answering;
  }

  get capabilities(): readonly Capability[] {
    const { model } = this;
    const found: Capability[] = [];
    if (model.kind === 'language') {
      if (model.parts.tokenizer.chatTemplates !== undefined) found.push('chat');
      if (model.readsPictures) found.push('images', 'explanations');
      if (model.parts.processor?.grounding !== undefined) found.push('grounding');
    }
    if (embeds(model)) found.push('embeddings', 'classification');
    return found;
  }

  /** @throws ApiError when the model was not made for it */
  require(capability: Capability): void {
    if (!this.capabilities.includes(capability))
      throw incapable(
        `the model ${this.id} does not do ${capability}`,
        `it does: ${this.capabilities.join(', ') || 'nothing of this interface'}; GET /v1/models lists the others`,
      );
  }

  /** A conversation as the model reads it. @throws ApiError when it does not converse */
  async prompt(messages: readonly Message[], signal?: AbortSignal): Promise<Prompt> {
    return this.#conversing().prompt(messages, { adapter: this.adapter, signal });
  }

  /** As `LanguageModel.answer`. Nothing is done before the first piece is asked for. @throws ApiError when it does not converse */
  answer(prompt: Prompt, options: TextOptions): AsyncGenerator<AnswerPiece, void, void> {
    return this.#conversing().answer(prompt, options, this.adapter);
  }

  /** What the model does beside answering, its space of vectors having the adapter in place. */
  async use<T>(work: (model: LoadedModel) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#answering instanceof TurnByTurn
      ? this.#answering.use(work, signal)
      : this.#answering.use(work, { adapter: this.adapter, signal });
  }

  /** Adapters that answers are made with: none, or the one. */
  get adapters(): readonly WeightedAdapter[] {
    return listOf(this.adapter);
  }

  /** The model as one that converses. Adapters are not in place outside of {@link use}. @throws ApiError when it does not */
  language(): LanguageModel {
    this.require('chat');
    return this.model as LanguageModel;
  }

  #conversing(): Answering {
    this.require('chat');
    return this.#answering as Answering;
  }
}
