import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';

import { allocateArray, CheckpointError, DataError, hostTensor, type HostTensor, Recent } from '../core/index.ts';
import { boundedText } from './text.ts';

/** Texts as rows of equal length. */
export interface EncodedTexts {
  /** Token ids [B, T], padded at the end. */
  readonly ids: HostTensor<'int64'>;
  /** [B, T]: 1 where there is a token, 0 where there is padding. */
  readonly mask: HostTensor<'float32'>;
}

const fileSchema = z.looseObject({
  model: z.looseObject({
    type: z.string().optional(),
    vocab: z.union([z.record(z.string(), z.int()), z.array(z.unknown())]),
  }),
  added_tokens: z.array(z.looseObject({ id: z.int(), content: z.string() })).default([]),
});

/** Texts whose ids are kept, since training shows the same ones again and again; longer texts are not kept. */
const KEPT_TEXTS = 50_000;
const KEPT_LENGTH = 200;

const PAD_NAMES = ['[PAD]', '<pad>', '<|pad|>', '<|endoftext|>', '</s>'];

/** A tokenizer as its file `tokenizer.json` describes it. Special tokens written out in a text are taken as such. */
export class TextTokenizer {
  /** Contents of `tokenizer.json`, as given. */
  readonly json: unknown;
  /** One more than the largest id. */
  readonly vocabSize: number;
  /** Id of the padding token, 0 where the file names none. */
  readonly padId: number;
  readonly #tokenizer: Tokenizer;
  /** Ids that the tokenizer puts before and after every text. */
  readonly #before: readonly number[];
  readonly #after: readonly number[];
  readonly #kept = new Recent<readonly number[]>(KEPT_TEXTS);

  /**
   * @param json parsed contents of `tokenizer.json`
   * @param where named in errors
   * @throws CheckpointError when it is not a tokenizer
   */
  constructor(json: unknown, where = 'tokenizer.json') {
    const parsed = fileSchema.safeParse(json);
    const hint = 'use the tokenizer.json that was saved with the model';
    if (!parsed.success)
      throw new CheckpointError(`${where} is not a tokenizer: ${z.prettifyError(parsed.error).split('\n')[0]}`, hint);
    this.json = json;
    try {
      this.#tokenizer = new Tokenizer(json as object, {});
      [this.#before, this.#after] = this.#surroundings();
    } catch (cause) {
      throw new CheckpointError(
        `${where} cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
        hint,
        { cause },
      );
    }
    let largest = -1;
    for (const id of this.#tokenizer.get_vocab(true).values()) largest = Math.max(largest, id);
    for (const { id } of parsed.data.added_tokens) largest = Math.max(largest, id);
    this.vocabSize = largest + 1;
    this.padId = PAD_NAMES.map((name) => this.#tokenizer.token_to_id(name)).find((id) => id !== undefined) ?? 0;
  }

  /** From the bytes of a file. @throws CheckpointError */
  static parse(text: string, where = 'tokenizer.json'): TextTokenizer {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (cause) {
      throw new CheckpointError(`${where} is not valid JSON`, 'use the tokenizer.json that was saved with the model', {
        cause,
      });
    }
    return new TextTokenizer(json, where);
  }

  /** Contents for a file `tokenizer.json`; a tokenizer made from them gives equal ids. */
  serialize(): string {
    return JSON.stringify(this.json);
  }

  id(token: string): number | undefined {
    return this.#tokenizer.token_to_id(token);
  }

  /**
   * Ids of one text, at most `maxLength`. A longer text loses its end, never the tokens that the tokenizer puts after every text.
   * Of very long texts only the first 100,000 characters are looked at.
   * @throws DataError when `maxLength` leaves no room for one token of the text
   */
  encode(text: string, maxLength: number = Number.POSITIVE_INFINITY, specialTokens: boolean = true): number[] {
    const ids = this.#ids(text, specialTokens);
    if (ids.length <= maxLength) return [...ids];
    const after = specialTokens ? this.#after : [];
    const fixed = specialTokens ? this.#before.length + after.length : 0;
    if (maxLength <= fixed)
      throw new DataError(
        `a length of ${maxLength} tokens leaves no room for text`,
        `allow at least ${fixed + 1} tokens`,
      );
    return [...ids.slice(0, maxLength - after.length), ...after];
  }

  /** Texts as rows of exactly `length` ids, padded or truncated. @throws DataError for a text without any token */
  encodeBatch(texts: readonly string[], length: number): EncodedTexts {
    const ids = allocateArray('int64', texts.length * length).fill(BigInt(this.padId));
    const mask = allocateArray('float32', texts.length * length);
    for (const [row, text] of texts.entries()) {
      const encoded = this.encode(text, length);
      if (encoded.length === 0)
        throw new DataError(
          `text ${row} of the batch has no token: ${JSON.stringify(text.slice(0, 40))}`,
          'leave empty texts out',
        );
      for (const [column, id] of encoded.entries()) {
        ids[row * length + column] = BigInt(id);
        mask[row * length + column] = 1;
      }
    }
    return {
      ids: hostTensor('int64', [texts.length, length], ids),
      mask: hostTensor('float32', [texts.length, length], mask),
    };
  }

  /** The tokens of ids as the file spells them, e.g. `##ing`, for labels on attention maps. */
  tokens(ids: readonly number[]): string[] {
    return ids.map((id) => this.#tokenizer.id_to_token(id) ?? `#${id}`);
  }

  decode(ids: readonly number[]): string {
    return this.#tokenizer.decode([...ids], { skip_special_tokens: true });
  }

  #ids(text: string, specialTokens: boolean): readonly number[] {
    const encode = (): readonly number[] =>
      this.#tokenizer.encode(boundedText(text), { add_special_tokens: specialTokens }).ids;
    return text.length <= KEPT_LENGTH && specialTokens ? this.#kept.get(text, encode) : encode();
  }

  #surroundings(): [number[], number[]] {
    const probe = 'a';
    const bare: number[] = this.#tokenizer.encode(probe, { add_special_tokens: false }).ids;
    const full: number[] = this.#tokenizer.encode(probe, { add_special_tokens: true }).ids;
    for (let start = 0; start + bare.length <= full.length; start++) {
      if (bare.every((id, i) => full[start + i] === id)) return [full.slice(0, start), full.slice(start + bare.length)];
    }
    return [[], []];
  }
}
