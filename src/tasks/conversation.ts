import type { AnswerOptions, AnswerPiece, LanguageModel, Message, MessagePart } from '../auto/index.ts';
import type { Picture } from '../data/index.ts';
import { type GeneratedToken, PromptCache } from '../generate/index.ts';

/** An answer in one piece. */
export interface Answer {
  readonly text: string;
  /** Why it ends: the model was done, or the answer is as long as it may be. */
  readonly finish: 'stop' | 'length';
  readonly tokens: readonly GeneratedToken[];
}

/**
 * Answers a conversation, `messages` up to the last question.
 * @throws CheckpointError when the model has no chat template, DataError when it cannot read what the messages hold,
 *   GenerationError for options out of range
 */
export async function chat(
  model: LanguageModel,
  messages: readonly Message[],
  options: AnswerOptions = {},
): Promise<Answer> {
  return collect(model.answer(await model.prompt(messages, options.variables), options));
}

/** One question, about pictures or none. As {@link chat}. */
export async function ask(
  model: LanguageModel,
  question: string,
  pictures: readonly Picture[] = [],
  options: AnswerOptions = {},
): Promise<Answer> {
  return chat(model, [{ role: 'user', content: questionParts(question, pictures) }], options);
}

/** Pictures stand before the question, as models are trained to have them. */
export function questionParts(question: string, pictures: readonly Picture[]): MessagePart[] {
  return [
    ...pictures.map((image): MessagePart => ({ type: 'image', image })),
    ...(question === '' ? [] : [{ type: 'text', text: question } as const]),
  ];
}

/** A whole answer from its pieces. */
export async function collect(pieces: AsyncIterable<AnswerPiece>): Promise<Answer> {
  const tokens: GeneratedToken[] = [];
  let text = '';
  for await (const piece of pieces) {
    text += piece.text;
    if (piece.token !== undefined) tokens.push(piece.token);
  }
  return { text, finish: tokens.at(-1)?.finish ?? 'length', tokens };
}

/** Questions and answers that go on from each other; each turn reads only what is new. */
export class Conversation {
  readonly #model: LanguageModel;
  readonly #cache: PromptCache;
  readonly #system: readonly Message[];
  readonly #messages: Message[] = [];

  /** @param options.system instructions that stand before the conversation */
  constructor(model: LanguageModel, options: { system?: string | undefined } = {}) {
    this.#model = model;
    this.#cache = new PromptCache(model.parts.decoding);
    this.#system = options.system === undefined ? [] : [{ role: 'system', content: options.system }];
  }

  get messages(): readonly Message[] {
    return [...this.#system, ...this.#messages];
  }

  /** Asks, and gives the answer piece by piece. An answer that is stopped stays in the conversation as far as it came. */
  async *ask(
    question: string,
    pictures: readonly Picture[] = [],
    options: AnswerOptions = {},
  ): AsyncGenerator<AnswerPiece, void, void> {
    this.#messages.push({
      role: 'user',
      content: pictures.length === 0 ? question : questionParts(question, pictures),
    });
    let text = '';
    try {
      const prompt = await this.#model.prompt(this.messages, options.variables);
      for await (const piece of this.#model.answer(prompt, { ...options, cache: this.#cache })) {
        text += piece.text;
        yield piece;
      }
      this.#messages.push({ role: 'assistant', content: text });
    } catch (error) {
      // What could not be asked is not asked again with the next question.
      if (text === '') this.#messages.pop();
      else this.#messages.push({ role: 'assistant', content: text });
      throw error;
    }
  }

  /** Begins anew. */
  clear(): void {
    this.#messages.length = 0;
  }

  dispose(): void {
    this.#cache.dispose();
  }
}
