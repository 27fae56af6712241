import { Template } from '@huggingface/jinja';
import { z } from 'zod';
import { CheckpointError, DataError } from '../core/index.ts';

/** A part of a message: text, or the place of a picture. */
export type ChatPart = { readonly type: 'text'; readonly text: string } | { readonly type: 'image' };

/** One turn of a conversation. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  /** Templates of models that read text alone want a string. */
  readonly content: string | readonly ChatPart[];
}

/** What a template may need beside the messages. */
export interface ChatOptions {
  /** Ends the text where the assistant's answer begins; on unless told. */
  readonly addGenerationPrompt?: boolean;
  /** Tools as JSON schemas, and further names that a template knows. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

const MAX_TEMPLATE = 1_000_000;
const templatesSchema = z.union([
  z.string().max(MAX_TEMPLATE),
  z.array(z.object({ name: z.string(), template: z.string().max(MAX_TEMPLATE) })).max(100),
]);

/** How a model was taught to see conversations, as its checkpoint describes it in Jinja. */
export class ChatTemplate {
  readonly #template: Template;
  readonly #tokens: Readonly<Record<string, string>>;
  readonly #where: string;

  /**
   * @param source the template, or several by name, of which `default` is taken
   * @param tokens special tokens by their names in tokenizer_config.json, such as `bos_token`
   * @param where the file, for messages
   * @throws CheckpointError when it is not a template
   */
  constructor(source: unknown, tokens: Readonly<Record<string, string>> = {}, where = 'chat_template.jinja') {
    const hint = 'use the chat template that was saved with the model';
    const parsed = templatesSchema.safeParse(source);
    if (!parsed.success) throw new CheckpointError(`${where} holds no chat template`, hint);
    const text =
      typeof parsed.data === 'string' ? parsed.data : parsed.data.find(({ name }) => name === 'default')?.template;
    if (text === undefined) throw new CheckpointError(`${where} has no template named 'default'`, hint);
    try {
      this.#template = new Template(text);
    } catch (cause) {
      throw new CheckpointError(`${where} is not a chat template: ${reason(cause)}`, hint, { cause });
    }
    this.#tokens = tokens;
    this.#where = where;
  }

  /** The conversation as one text. @throws DataError when the template refuses it, with its reason */
  render(messages: readonly ChatMessage[], { addGenerationPrompt = true, variables = {} }: ChatOptions = {}): string {
    try {
      return this.#template.render({
        ...this.#tokens,
        ...variables,
        messages,
        add_generation_prompt: addGenerationPrompt,
      });
    } catch (cause) {
      throw new DataError(
        `${this.#where} refuses this conversation: ${reason(cause)}`,
        'check the order of the roles (most models want user and assistant in turn) and the form of the contents',
        { cause },
      );
    }
  }
}

function reason(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).slice(0, 300);
}
