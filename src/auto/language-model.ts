// T tokens
import { CheckpointError, DataError } from '../core/index.ts';
import type { ChatMessage, CheckpointTokenizer, ContentPart, Picture } from '../data/index.ts';
import {
  type Decoding,
  type EncodedPicture,
  answer,
  type AnswerPiece,
  beamAnswer,
  type BeamTextOptions,
  type GenerateOptions,
  type LayerChanges,
  type ModelWeights,
  type PictureEncoder,
  type Prompt,
  type TextOptions,
} from '../generate/index.ts';
import type { GenerationConfig, NamingRules } from '../hub/index.ts';
import type { GeneratingModel, ImageTextProcessor } from '../models/index.ts';
import type { Runtime } from '../runtime/types.ts';
import { changesOf, type WeightedAdapter } from './adapters.ts';
import type { VectorSpace } from './vector-space.ts';

export type { AnswerPiece };

/** What a {@link LanguageModel} is made of. */
export interface LanguageModelParts {
  /** How messages call the model. */
  readonly name: string;
  readonly decoding: Decoding;
  readonly tokenizer: CheckpointTokenizer;
  /** Both there in models that read pictures. */
  readonly encoder?: PictureEncoder;
  readonly processor?: ImageTextProcessor;
  /** Pictures and texts as vectors, in models that have such a part. */
  readonly space?: VectorSpace;
  readonly generation?: GenerationConfig | undefined;
  readonly stopTokens: readonly number[];
  /** Where the model comes from, which adapters are read for. */
  readonly source?: ModelSource;
}

/** The model itself, where its weights lie, and how its files name them. */
export interface ModelSource {
  readonly model: GeneratingModel;
  readonly weights: ModelWeights;
  readonly names: NamingRules;
  /** What the model runs on. */
  readonly runtime: Runtime;
}

/** A part of a message: text, or a picture. */
export type MessagePart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly image: Picture };

/** One turn of a conversation. */
export interface Message {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string | readonly MessagePart[];
}

/** How an answer is made, beside the options of generation. */
export interface AnswerOptions extends BeamTextOptions {
  /** Further variables of the chat template, e.g. `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** A model that is ready to answer: texts, and pictures where it was taught to see. */
export class LanguageModel {
  readonly kind = 'language';
  readonly parts: LanguageModelParts;
  readonly #dispose: () => Promise<void>;
  #adapters: readonly WeightedAdapter[] = [];

  /** @param dispose frees what the model runs on */
  constructor(parts: LanguageModelParts, dispose: () => Promise<void>) {
    this.parts = parts;
    this.#dispose = dispose;
  }

  get name(): string {
    return this.parts.name;
  }

  /** Whether messages may hold pictures. */
  get readsPictures(): boolean {
    return this.parts.processor !== undefined;
  }

  /** The adapters that it answers with. */
  get adapters(): readonly WeightedAdapter[] {
    return this.#adapters;
  }

  /**
   * A conversation as the model reads it, up to where its answer begins.
   * @param changes what adapters change that will answer this prompt alone, in place of those of {@link useAdapters}
   * @throws CheckpointError when the model has no chat template, DataError when it cannot read what the messages hold
   */
  async prompt(
    messages: readonly Message[],
    variables?: Readonly<Record<string, unknown>>,
    changes?: LayerChanges,
  ): Promise<Prompt> {
    const { text, pictures } = this.written(messages, variables);
    return this.promptOf(text, pictures, changes);
  }

  /** A conversation in the model's own form, with a marker for each picture. @throws CheckpointError as {@link prompt} */
  written(
    messages: readonly Message[],
    variables?: Readonly<Record<string, unknown>>,
  ): { readonly text: string; readonly pictures: readonly Picture[] } {
    const { tokenizer, name } = this.parts;
    const { chatTemplates } = tokenizer;
    if (chatTemplates === undefined)
      throw new CheckpointError(
        `${name} has no chat template`,
        'this model only continues texts; use one that was tuned for conversations, often called Instruct or Chat',
      );
    const pictures = messages.flatMap(({ content }) =>
      typeof content === 'string' ? [] : content.flatMap((part) => (part.type === 'image' ? [part.image] : [])),
    );
    const text = chatTemplates.render(
      messages.map((message) => this.#asTemplateMessage(message)),
      { addGenerationPrompt: true, ...(variables === undefined ? {} : { variables }) },
    );
    return { text, pictures };
  }

  /** A text in the model's own form, with a marker for each picture. @throws DataError when the model reads no pictures */
  async promptOf(text: string, pictures: readonly Picture[] = [], changes?: LayerChanges): Promise<Prompt> {
    const { tokenizer, processor, encoder, name } = this.parts;
    if (processor === undefined || encoder === undefined) {
      if (pictures.length > 0)
        throw new DataError(`${name} reads no pictures`, 'use a model that does, or leave the pictures out');
      return { tokens: tokenizer.encode(text, { specialTokens: false }) };
    }
    const prepared = processor.prepare(text, pictures);
    const encoded: EncodedPicture[] = [];
    for (const picture of prepared.pictures) encoded.push(await encoder.encode(picture, changes));
    return { ...prepared, pictures: encoded };
  }

  /** Answers a prompt, piece by piece. What `generation_config.json` says holds where the options say nothing. */
  answer(prompt: Prompt, options: BeamTextOptions = {}): AsyncGenerator<AnswerPiece, void, void> {
    const { decoding, tokenizer } = this.parts;
    const { numBeams = 1 } = options;
    if (numBeams === 1) return answer(decoding, [prompt], tokenizer, this.withDefaults(options));
    // Beam search draws nothing, whatever the defaults say.
    return beamAnswer(decoding, prompt, tokenizer, this.withDefaults({ temperature: 0, ...options }));
  }

  /** Answers several prompts together; each piece's token says which of them it answers, by `row`. As {@link answer}. */
  answers(prompts: readonly Prompt[], options: TextOptions = {}): AsyncGenerator<AnswerPiece, void, void> {
    const { decoding, tokenizer } = this.parts;
    return answer(decoding, prompts, tokenizer, this.withDefaults(options));
  }

  /** What `generation_config.json` and the tokenizer say of answers, where the options say nothing. */
  withDefaults<Options extends GenerateOptions>(options: Options): Options {
    return { ...this.#defaults(), ...options };
  }

  /**
   * Answers from now on with these adapters, and with no others; none takes them all away. Their changes add up. Weights of
   * the model stay where they are. Answers that are under way go on with what they began with.
   * @throws GenerationError when they are of another model, DeviceError when the engine refuses the changed program
   */
  async useAdapters(adapters: readonly WeightedAdapter[]): Promise<void> {
    const changes = changesOf(adapters);
    await this.parts.decoding.adapt(changes);
    await this.parts.encoder?.adapt(changes);
    await this.parts.space?.adapt(changes);
    this.#adapters = adapters;
  }

  async dispose(): Promise<void> {
    this.parts.decoding.dispose();
    this.parts.encoder?.dispose();
    this.parts.space?.dispose();
    await this.#dispose();
  }

  /** Templates of models that see want lists of parts, those of others texts. */
  #asTemplateMessage({ role, content }: Message): ChatMessage {
    if (!this.readsPictures) return { role, content: typeof content === 'string' ? content : textOf(content) };
    if (typeof content === 'string') return { role, content: [{ type: 'text', text: content }] };
    return { role, content: content.map((part): ContentPart => (part.type === 'text' ? part : { type: 'image' })) };
  }

  #defaults(): GenerateOptions {
    const { generation, stopTokens } = this.parts;
    const { sample, temperature, topK, topP, minP, repetitionPenalty } = generation ?? {};
    return {
      stopTokens,
      ...(repetitionPenalty === undefined ? {} : { repetitionPenalty }),
      ...(sample === true
        ? {
            temperature: temperature ?? 1,
            ...(topK === undefined || topK === 0 ? {} : { topK }),
            ...(topP === undefined || topP === 0 ? {} : { topP }),
            ...(minP === undefined ? {} : { minP }),
          }
        : {}),
    };
  }
}

function textOf(parts: readonly MessagePart[]): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}
