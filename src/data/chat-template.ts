/** Chat templates: how a model wants a conversation written as one text (in Jinja, as its tokenizer's files carry it). */
import { Environment, parse, tokenize } from '@huggingface/jinja';
import { z } from 'zod';
import { CheckpointError, DataError } from '../core/index.ts';
import { BoundedInterpreter, MAX_ITEMS } from './template-bounds.ts';

/** A part of a message: `{ type: 'text', text }`, `{ type: 'image' }`, … as the template knows them. */
export interface ContentPart {
  readonly type: string;
  readonly text?: string;
  readonly [key: string]: unknown;
}

/** One turn of a conversation. */
export interface ChatMessage {
  readonly role: string;
  readonly content?: string | readonly ContentPart[] | null;
  /** `tool_calls`, `name` and the like, for templates that know them. */
  readonly [key: string]: unknown;
}

export interface ChatOptions {
  /** Ends the text where the model's answer begins. */
  readonly addGenerationPrompt?: boolean;
  /** Descriptions of functions that the model may call. */
  readonly tools?: readonly unknown[];
  /** Which of several templates; `tool_use` where there are tools and it is there, else `default`. */
  readonly template?: string;
  /** Further variables of the template, e.g. `enable_thinking`. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** Where a template may stand, parsed as JSON only; the first that is there counts. */
export interface ChatTemplateSources {
  /** Text of `chat_template.jinja`. */
  readonly chatTemplate?: string | undefined;
  /** `chat_template.json`. */
  readonly chatTemplateJson?: unknown;
  /** `tokenizer_config.json`. */
  readonly tokenizerConfig?: unknown;
}

const MAX_TEMPLATE = 1_000_000;
const MAX_MESSAGES = 10_000;
/** The library's first pass over a template takes time by the square of a run of white space. */
const MAX_SPACES = 1000;
const MAX_DATE_FORMAT = 1000;

const text = z.string().max(MAX_TEMPLATE);
const templateSchema = z.union([text, z.array(z.looseObject({ name: z.string(), template: text })).max(100)]);
const holderSchema = z.looseObject({ chat_template: templateSchema.nullish() });
const messagesSchema = z
  .array(
    z.looseObject({
      role: z.string(),
      content: z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]).nullish(),
    }),
  )
  .max(MAX_MESSAGES);

/** A parsed template and how long its text is. */
interface Program {
  readonly tree: unknown;
  readonly length: number;
}

/** The chat templates of a checkpoint, by name. */
export class ChatTemplates {
  readonly #programs: ReadonlyMap<string, Program>;
  /** What all renderings find besides the messages; making it anew takes as long as a short conversation. */
  readonly #shared = new Environment();

  /**
   * @param templates by name; the usual one is `default`
   * @param tokens texts of special tokens by the names that templates use: `bos_token`, …
   * @throws CheckpointError when a template is not Jinja
   */
  constructor(templates: ReadonlyMap<string, string>, tokens: Readonly<Record<string, string>> = {}) {
    const programs = new Map<string, Program>();
    for (const [name, source] of templates) {
      try {
        if (source.length > MAX_TEMPLATE) throw new Error(`it has more than ${MAX_TEMPLATE} letters`);
        if (longestSpace(source) > MAX_SPACES) throw new Error(`more than ${MAX_SPACES} spaces in a row`);
        const tree: unknown = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }));
        programs.set(name, { tree, length: source.length });
      } catch (cause) {
        throw new CheckpointError(
          `chat template ${shorten(name)} is not Jinja that is understood: ${reason(cause)}`,
          'correct the template, or fetch the checkpoint again',
          { cause },
        );
      }
    }
    this.#programs = programs;
    for (const [name, value] of Object.entries({ ...GLOBALS, ...tokens })) this.#shared.set(name, value);
  }

  /** @returns undefined where no file holds a template  @throws CheckpointError when one is wrong */
  static find(sources: ChatTemplateSources, tokens: Readonly<Record<string, string>> = {}): ChatTemplates | undefined {
    const found =
      sources.chatTemplate ??
      templateIn(sources.chatTemplateJson, 'chat_template.json') ??
      templateIn(sources.tokenizerConfig, 'tokenizer_config.json');
    if (found === undefined) return undefined;
    if (typeof found === 'string') return new ChatTemplates(new Map([['default', found]]), tokens);
    return new ChatTemplates(new Map(found.map(({ name, template }) => [name, template])), tokens);
  }

  get names(): readonly string[] {
    return [...this.#programs.keys()];
  }

  /**
   * Writes a conversation as one text, special tokens included: encode it without adding them again.
   * @throws DataError when the messages are not such as the template takes, or it takes too long
   */
  render(messages: readonly ChatMessage[], options: ChatOptions = {}): string {
    const parsed = messagesSchema.safeParse(messages);
    if (!parsed.success)
      throw new DataError(
        `not a conversation: ${shorten(z.prettifyError(parsed.error).replaceAll(/\s+/g, ' '))}`,
        'give a list of { role, content }',
      );
    const program = this.#choose(options);
    const environment = new Environment(this.#shared);
    const variables = {
      ...options.variables,
      messages,
      ...(options.tools === undefined ? {} : { tools: options.tools }),
      add_generation_prompt: options.addGenerationPrompt ?? false,
    };
    try {
      for (const [name, value] of Object.entries(variables)) environment.set(name, value);
      const result = new BoundedInterpreter(environment, program.length).run(program.tree).value;
      if (typeof result !== 'string') throw new Error('the template gives no text');
      return result;
    } catch (cause) {
      throw new DataError(
        `the chat template refuses this conversation: ${reason(cause)}`,
        'check the roles, their order and the kinds of content that this model takes',
        { cause },
      );
    }
  }

  #choose({ template, tools }: ChatOptions): Program {
    const usual = tools !== undefined && this.#programs.has('tool_use') ? 'tool_use' : 'default';
    const program = this.#programs.get(template ?? usual);
    if (program !== undefined) return program;
    const names = shorten(this.names.join(', ') || 'none');
    throw new DataError(`no chat template named ${shorten(template ?? usual)}`, `there are: ${names}`);
  }
}

/** What templates find besides the messages. */
const GLOBALS: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
  raise_exception: (message: unknown) => {
    throw new Error(String(message));
  },
  range: (start: number, stop?: number, step = 1) => {
    const [first, last] = stop === undefined ? [0, start] : [start, stop];
    const count = Math.max(0, Math.ceil((last - first) / step));
    if (!(count <= MAX_ITEMS)) throw new Error(`a range of ${count} numbers`);
    return Array.from({ length: count }, (_, i) => first + i * step);
  },
  strftime_now: (format: string) => {
    if (format.length > MAX_DATE_FORMAT) throw new Error(`a date of more than ${MAX_DATE_FORMAT} letters`);
    return formatDate(new Date(), format);
  },
};

/** The letters of C's `strftime` that templates use, in English and local time. */
function formatDate(date: Date, format: string): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const name = (options: Intl.DateTimeFormatOptions): string => new Intl.DateTimeFormat('en-US', options).format(date);
  const letters: Record<string, () => string> = {
    d: () => two(date.getDate()),
    m: () => two(date.getMonth() + 1),
    Y: () => String(date.getFullYear()),
    y: () => two(date.getFullYear() % 100),
    H: () => two(date.getHours()),
    I: () => two(date.getHours() % 12 || 12),
    M: () => two(date.getMinutes()),
    S: () => two(date.getSeconds()),
    p: () => (date.getHours() < 12 ? 'AM' : 'PM'),
    b: () => name({ month: 'short' }),
    B: () => name({ month: 'long' }),
    a: () => name({ weekday: 'short' }),
    A: () => name({ weekday: 'long' }),
    '%': () => '%',
  };
  return format.replaceAll(/%([a-zA-Z%])/g, (all, letter: string) =>
    Object.hasOwn(letters, letter) ? letters[letter]!() : all,
  );
}

/** The longest run of white space. By hand: a regular expression that looks for one would take as long as what it prevents. */
function longestSpace(source: string): number {
  let [longest, run] = [0, 0];
  for (let i = 0; i < source.length; i++) {
    run = source.charCodeAt(i) <= 32 || /\s/.test(source[i]!) ? run + 1 : 0;
    if (run > longest) longest = run;
  }
  return longest;
}

function templateIn(json: unknown, file: string): z.infer<typeof templateSchema> | undefined {
  if (json === undefined) return undefined;
  const parsed = holderSchema.safeParse(json);
  if (parsed.success) return parsed.data.chat_template ?? undefined;
  throw new CheckpointError(
    `${file}: chat_template is neither a text nor a list of named ones`,
    'correct the file, or fetch the checkpoint again',
  );
}

function reason(error: unknown): string {
  return shorten(error instanceof Error ? error.message : String(error));
}

function shorten(value: string): string {
  return value.length > 200 ? `${value.slice(0, 197)}…` : value;
}
