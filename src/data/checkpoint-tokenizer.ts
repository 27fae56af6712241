/** The tokenizer of a checkpoint, as its files describe it. */
import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';
import { allocateArray, CheckpointError, DataError, hostTensor, Recent } from '../core/index.ts';
import { type ChatTemplateSources, ChatTemplates } from './chat-template.ts';
import { checkPatterns } from './pattern-bounds.ts';
import { TextStream } from './text-stream.ts';
import { bytesOfTokens, type TokenBytes } from './token-bytes.ts';
import type { EncodedTexts } from './tokenizer.ts';

/** Contents of a tokenizer's files, parsed as JSON only. */
export interface TokenizerFiles extends ChatTemplateSources {
  /** `tokenizer.json` */
  readonly tokenizer?: unknown;
  /** `special_tokens_map.json` */
  readonly specialTokens?: unknown;
}

export interface EncodeOptions {
  /** Whether tokens such as `<s>` are put around; true by default. Not wanted for text from a chat template. */
  readonly specialTokens?: boolean;
  /** Most tokens of a text; the end is cut off. */
  readonly maxLength?: number;
}

export interface BatchOptions extends EncodeOptions {
  /** Where padding goes; as `tokenizer_config.json` says by default. To generate it must be on the left. */
  readonly side?: 'left' | 'right';
  /** Length of every row; the longest text's by default. */
  readonly length?: number;
}

const HINT = 'fetch the checkpoint again, or use one with a tokenizer.json';
const NAMES = ['bos_token', 'eos_token', 'pad_token', 'unk_token', 'sep_token', 'cls_token', 'mask_token'] as const;
/** The library makes a list as long as the largest id. The largest vocabularies have 260,000 tokens. */
const MAX_ID = 4_000_000;

/** Texts that come again and again, as answers, names and boxes do, are short. */
const SHORT = 64;
/** Short texts whose tokens are kept. */
const KEPT = 4096;

const tokenId = z.int().min(0).max(MAX_ID);
const fileSchema = z.looseObject({
  model: z.looseObject({
    type: z.enum(['BPE', 'WordPiece', 'Unigram']).nullish(),
    vocab: z.union([z.record(z.string(), tokenId), z.array(z.unknown())]),
  }),
  added_tokens: z
    .array(z.looseObject({ id: tokenId, content: z.string().min(1), special: z.boolean().nullish() }))
    .nullish(),
});
const token = z
  .union([z.string(), z.looseObject({ content: z.string() }).transform(({ content }) => content)])
  .nullish();
const names = {
  bos_token: token,
  eos_token: token,
  pad_token: token,
  unk_token: token,
  sep_token: token,
  cls_token: token,
  mask_token: token,
};
const namesSchema = z.looseObject(names);
const configSchema = z.looseObject({
  ...names,
  padding_side: z.enum(['left', 'right']).nullish(),
  clean_up_tokenization_spaces: z.boolean().nullish(),
  additional_special_tokens: z.array(token).nullish(),
});

/** Texts to ids and back. */
export class CheckpointTokenizer {
  /** Texts of the special tokens that the files name: `bos_token`, `eos_token`, … */
  readonly specialTokens: Readonly<Record<string, string>>;
  /** One more than the largest id. */
  readonly vocabularySize: number;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  /** Id that rows are padded with: of the padding token, or else of the end, or else 0. Masked in any case. */
  readonly padId: number;
  readonly paddingSide: 'left' | 'right';
  readonly chatTemplates: ChatTemplates | undefined;
  readonly #tokenizer: Tokenizer;
  readonly #decoder: unknown;
  readonly #special: ReadonlySet<number>;
  readonly #added: ReadonlySet<number>;
  #bytes: TokenBytes | undefined;
  readonly #recent = new Recent<readonly number[]>(KEPT);

  /**
   * @param files as `openCheckpoint` gives them
   * @throws CheckpointError when there is no `tokenizer.json` or a file is wrong
   */
  constructor(files: TokenizerFiles, where = 'the checkpoint') {
    if (files.tokenizer === undefined) throw new CheckpointError(`${where}: no tokenizer.json`, HINT);
    const file = check(fileSchema, files.tokenizer, `${where}: tokenizer.json`);
    const config = check(configSchema, files.tokenizerConfig ?? {}, `${where}: tokenizer_config.json`);
    const named = check(namesSchema, files.specialTokens ?? {}, `${where}: special_tokens_map.json`);
    const tokens: Record<string, string> = {};
    for (const name of NAMES) {
      const text = config[name] ?? named[name];
      if (typeof text === 'string') tokens[name] = text;
    }
    this.specialTokens = tokens;
    try {
      checkPatterns([file['normalizer'], file['pre_tokenizer'], file['post_processor'], file['decoder']]);
      this.#tokenizer = new Tokenizer(
        { ...file, added_tokens: file.added_tokens ?? [] },
        // The library's own default is true and takes spaces out of what a model wrote.
        { ...config, ...tokens, clean_up_tokenization_spaces: config.clean_up_tokenization_spaces ?? false },
      );
      this.#tokenizer.encode('a');
    } catch (cause) {
      throw new CheckpointError(`${where}: tokenizer.json cannot be used: ${reason(cause)}`, HINT, { cause });
    }
    this.#decoder = file['decoder'];
    const added = file.added_tokens ?? [];
    this.#added = new Set(added.map(({ id }) => id));
    this.#special = new Set(added.filter(({ special }) => special === true).map(({ id }) => id));
    let largest = -1;
    for (const id of this.#tokenizer.get_vocab(true).values()) largest = Math.max(largest, id);
    this.vocabularySize = largest + 1;
    this.bosId = this.#idOf('bos_token');
    this.eosId = this.#idOf('eos_token');
    this.padId = this.#idOf('pad_token') ?? this.eosId ?? 0;
    this.paddingSide = config.padding_side ?? 'right';
    this.chatTemplates = ChatTemplates.find(files, tokens);
  }

  id(text: string): number | undefined {
    return this.#tokenizer.token_to_id(text);
  }

  /** @returns ids of one text  @throws DataError when the tokenizer cannot take the text */
  encode(text: string, { specialTokens = true, maxLength = Infinity }: EncodeOptions = {}): number[] {
    const whole = (): readonly number[] => this.#encode(text, specialTokens);
    const ids = text.length > SHORT ? whole() : this.#recent.get(`${specialTokens ? '+' : '-'}${text}`, whole);
    return ids.slice(0, maxLength);
  }

  #encode(text: string, specialTokens: boolean): readonly number[] {
    try {
      return this.#tokenizer.encode(text, { add_special_tokens: specialTokens }).ids;
    } catch (cause) {
      throw new DataError(`a text cannot be encoded: ${reason(cause)}`, 'is it plain text?', { cause });
    }
  }

  /** @returns rows of equal length T with their mask [B, T]  @throws DataError when no text has a token, or one is too long */
  encodeBatch(texts: readonly string[], options: BatchOptions = {}): EncodedTexts {
    const rows = texts.map((text) => this.encode(text, options));
    const longest = rows.reduce((most, row) => Math.max(most, row.length), 0);
    const length = options.length ?? longest;
    if (length === 0) throw new DataError('no text of the batch has a token', 'leave empty texts out');
    if (longest > length)
      throw new DataError(`a text has ${longest} tokens, a row ${length}`, 'set maxLength to cut texts off');
    const ids = allocateArray('int64', rows.length * length).fill(BigInt(this.padId));
    const mask = allocateArray('float32', rows.length * length);
    for (const [index, row] of rows.entries()) {
      const start = index * length + ((options.side ?? this.paddingSide) === 'left' ? length - row.length : 0);
      for (const [column, id] of row.entries()) {
        ids[start + column] = BigInt(id);
        mask[start + column] = 1;
      }
    }
    return {
      ids: hostTensor('int64', [rows.length, length], ids),
      mask: hostTensor('float32', [rows.length, length], mask),
    };
  }

  /** @param options.specialTokens whether they are written out  @throws DataError when an id is none of this tokenizer */
  decode(ids: readonly number[], options: { specialTokens?: boolean } = {}): string {
    if (ids.length === 0) return '';
    const unknown = ids.find((id) => this.#tokenizer.id_to_token(id) === undefined);
    if (unknown !== undefined)
      throw new DataError(`${unknown} is not the id of a token`, 'is this the right tokenizer?');
    try {
      return this.#tokenizer.decode([...ids], { skip_special_tokens: options.specialTokens !== true });
    } catch (cause) {
      throw new DataError(`ids cannot be decoded: ${reason(cause)}`, 'is this the right tokenizer?', { cause });
    }
  }

  /** Decodes ids as they come. */
  stream(options: { specialTokens?: boolean } = {}): TextStream {
    // Some models have more rows of logits than their tokenizers have tokens; what is chosen there has no text.
    return new TextStream((ids) =>
      this.decode(
        ids.filter((id) => this.#tokenizer.id_to_token(id) !== undefined),
        options,
      ),
    );
  }

  /**
   * The bytes that each token adds to a text, by id; none for special tokens. Tokenizers that take off the space at the very
   * start of a text do so still.
   * @throws DataError when the tokens are not pieces of bytes, as those of WordPiece are not
   */
  tokenBytes(): TokenBytes {
    this.#bytes ??= bytesOfTokens(this.#tokenizer.get_vocab(true), this.#decoder, this.#special, this.#added);
    return this.#bytes;
  }

  #idOf(name: (typeof NAMES)[number]): number | undefined {
    const text = this.specialTokens[name];
    return text === undefined ? undefined : this.#tokenizer.token_to_id(text);
  }
}

function check<T>(schema: z.ZodType<T>, json: unknown, where: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const what = z.prettifyError(result.error).replaceAll(/\s+/g, ' ').slice(0, 200);
  throw new CheckpointError(`${where}: ${what}`, HINT);
}

function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 200);
}
