/** `tokenizer_config.json` of a tokenizer that converses: names of its special tokens, its template, its padding. */

/** Special tokens of a conversation, in the order of their ids. Padding is 0. */
export const CONVERSATION_TOKENS = [
  '<|pad|>',
  '<|end|>',
  '<|user|>',
  '<|assistant|>',
  '<|system|>',
  '<image>',
] as const;

/**
 * A conversation of {@link CONVERSATION_TOKENS}: each turn is its role, what it says, and the end. A picture is `<image>`, which a
 * processor repeats. Without line ends, each of which would be a token. An answer that begins with a letter that has a capital
 * form begins with a space, so that its first word is the token that the word is elsewhere in a sentence.
 */
export const CONVERSATION_TEMPLATE = `{%- for message in messages -%}
{{- '<|' + message['role'] + '|>' -}}
{%- if message['content'] is string -%}
{%- if message['role'] == 'assistant' and message['content'][:1] | upper != message['content'][:1] | lower -%}
{{- ' ' -}}
{%- endif -%}
{{- message['content'] -}}
{%- else -%}
{%- for part in message['content'] -%}
{%- if message['role'] == 'assistant' and loop.first and part['type'] == 'text' -%}
{%- if part['text'][:1] | upper != part['text'][:1] | lower -%}
{{- ' ' -}}
{%- endif -%}
{%- endif -%}
{{- '<image>' if part['type'] == 'image' else part['text'] -}}
{%- endfor -%}
{%- endif -%}
{{- '<|end|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|assistant|>' -}}
{%- endif -%}`;

/** A text as an answer of {@link CONVERSATION_TEMPLATE} begins with it: words in letters behind a space. */
export function asAnswer(text: string): string {
  const first = text.slice(0, 1);
  return first.toUpperCase() === first.toLowerCase() ? text : ` ${text}`;
}

/** Tokens that name places along a side of a picture: `<loc00>`, `<loc01>`, … They are to be seen in decoded text. */
export function locationTokens(count = 64): string[] {
  const digits = String(count - 1).length;
  return Array.from({ length: count }, (_, place) => `<loc${String(place).padStart(digits, '0')}>`);
}

export interface TokenizerConfigOptions {
  /** Jinja; {@link CONVERSATION_TEMPLATE} by default. */
  readonly chatTemplate?: string;
  readonly specialTokens?: readonly string[];
  readonly endToken?: string;
  readonly padToken?: string;
  /** Where rows are padded when nothing else is said; the left by default, as generation needs it. */
  readonly paddingSide?: 'left' | 'right';
  /** Tokens that the model was made for. */
  readonly maxLength?: number;
}

/** @returns content of `tokenizer_config.json`, to stand beside the `tokenizer.json` of `trainByteLevelBpe` */
export function tokenizerConfig(options: TokenizerConfigOptions = {}): Readonly<Record<string, unknown>> {
  const { specialTokens = CONVERSATION_TOKENS, endToken = '<|end|>', padToken = '<|pad|>' } = options;
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    chat_template: options.chatTemplate ?? CONVERSATION_TEMPLATE,
    eos_token: endToken,
    pad_token: padToken,
    additional_special_tokens: specialTokens.filter((token) => token !== endToken && token !== padToken),
    padding_side: options.paddingSide ?? 'left',
    clean_up_tokenization_spaces: false,
    ...(options.maxLength === undefined ? {} : { model_max_length: options.maxLength }),
  };
}
