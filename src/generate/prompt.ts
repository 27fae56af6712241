// T tokens, F rows of features, D width, A axes of positions
import { GenerationError, hostTensor, type HostTensor, joinRows } from '../core/index.ts';

/** What a model has seen of a picture. */
export interface EncodedPicture {
  /** [F, D] */
  readonly features: HostTensor<'float32'>;
  /** Two pictures with one key are the same. */
  readonly key: string;
}

/** What a model answers. A plain list of tokens is a prompt without pictures. */
export interface Prompt {
  readonly tokens: readonly number[];
  /** In the order of their image tokens, of which there is one for each row of features. */
  readonly pictures?: readonly EncodedPicture[];
  /** [A, T], where the model has axes of positions; counted from 0 by default. */
  readonly positions?: HostTensor<'int64'>;
  /** Position of the first token of the answer; T by default. */
  readonly nextPosition?: number;
  /** Values of the model's further inputs, each [1, …]. */
  readonly context?: Readonly<Record<string, HostTensor>>;
}

/** Tokens to be read, with what takes the place of image tokens among them. */
export interface Piece {
  readonly tokens: readonly number[];
  /** [F, D] */
  readonly features?: HostTensor<'float32'>;
  /** [A, T] */
  readonly positions?: HostTensor<'int64'>;
  /** Position of what follows, where it is not one more than the greatest. */
  readonly nextPosition?: number;
}

export function asPrompt(prompt: readonly number[] | Prompt): Prompt {
  return 'tokens' in prompt ? prompt : { tokens: prompt };
}

/**
 * What tells tokens apart: a token itself, and for an image token the picture and the row of its features.
 * @param imageToken absent for models that read no pictures
 * @throws GenerationError when image tokens and rows of features differ in number, with both
 */
export function identities(prompt: Prompt, imageToken: number | undefined): (number | string)[] {
  const rows = (prompt.pictures ?? []).flatMap(({ features, key }) =>
    Array.from({ length: features.shape[0]! }, (_, row) => `${key}:${row}`),
  );
  const places = prompt.tokens.reduce((count, token) => count + Number(token === imageToken), 0);
  if (places !== rows.length)
    throw new GenerationError(
      `the prompt has ${places} image tokens and its pictures have ${rows.length} rows of features`,
      'prepare text and pictures with the processor of this checkpoint',
    );
  let next = 0;
  return prompt.tokens.map((token) => (token === imageToken ? rows[next++]! : token));
}

/** What of a model prompts are held against. */
interface PromptLimits {
  readonly vocabularySize: number;
  readonly maxLength: number;
  readonly imageToken: number | undefined;
}

/** @throws GenerationError when there is none, or one is empty, of another vocabulary, or without its pictures */
export function checkPrompts(prompts: readonly Prompt[], { vocabularySize, imageToken }: PromptLimits): void {
  if (prompts.length === 0) throw new GenerationError('no prompt is given', 'give at least one');
  for (const [row, prompt] of prompts.entries()) {
    if (prompt.tokens.length === 0) throw new GenerationError(`prompt ${row} is empty`, 'give at least one token');
    const wrong = prompt.tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= vocabularySize);
    if (wrong !== undefined)
      throw new GenerationError(
        `prompt ${row} holds the token ${wrong}, the model knows 0 to ${vocabularySize - 1}`,
        'use the tokenizer of this checkpoint',
      );
    // Image tokens and features must agree.
    identities(prompt, imageToken);
  }
}

/**
 * How long an answer may become: 256 tokens unless told, or fewer where the model cannot hold that many.
 * @param longest tokens of the longest prompt  @throws GenerationError for no whole number from 1 up
 */
export function answerLength(wanted: number | undefined, longest: number, { maxLength }: PromptLimits): number {
  const length = wanted ?? Math.max(1, Math.min(256, maxLength - longest));
  if (!Number.isInteger(length) || length < 1)
    throw new GenerationError(`maxNewTokens is ${length}`, 'give a whole number from 1 up');
  return length;
}

/**
 * All that comes after the first `known` tokens, in pieces of at most `size` tokens.
 * @param imageToken absent for models that read no pictures
 */
export function piecesOf(
  prompt: Prompt,
  known: number,
  imageToken: number | undefined,
  size: number = Infinity,
): Piece[] {
  const reader = new PromptReader(prompt, imageToken);
  const pieces: Piece[] = [];
  for (let start = known; start < reader.length; start += size)
    pieces.push(reader.piece(start, Math.min(reader.length, start + size)));
  return pieces;
}

/** Gives a prompt out piece by piece. */
export class PromptReader {
  readonly #prompt: Prompt;
  readonly #features: HostTensor<'float32'> | undefined;
  /** How many image tokens come before each place. */
  readonly #pictured: Int32Array;

  /** @param imageToken absent for models that read no pictures */
  constructor(prompt: Prompt, imageToken: number | undefined) {
    const { tokens, pictures = [] } = prompt;
    this.#prompt = prompt;
    this.#features = pictures.length === 0 ? undefined : joinRows(pictures.map((picture) => picture.features));
    this.#pictured = new Int32Array(tokens.length + 1);
    tokens.forEach((token, t) => (this.#pictured[t + 1] = this.#pictured[t]! + Number(token === imageToken)));
  }

  /** Tokens of the prompt. */
  get length(): number {
    return this.#prompt.tokens.length;
  }

  /** Tokens start … end − 1. */
  piece(start: number, end: number): Piece {
    const { tokens, positions, nextPosition } = this.#prompt;
    const features = this.#features;
    return {
      tokens: tokens.slice(start, end),
      ...(features === undefined ? {} : { features: rowsOf(features, this.#pictured[start]!, this.#pictured[end]!) }),
      ...(positions === undefined ? {} : { positions: columnsOf(positions, start, end) }),
      ...(nextPosition === undefined || end < tokens.length ? {} : { nextPosition }),
    };
  }
}

/** @param tensor [F, D]  @returns [end − start, D] */
function rowsOf({ shape, data }: HostTensor<'float32'>, start: number, end: number): HostTensor<'float32'> {
  const width = shape[1]!;
  return hostTensor('float32', [end - start, width], data.subarray(start * width, end * width));
}

/** @param positions [A, T]  @returns [A, end − start] */
function columnsOf(positions: HostTensor<'int64'>, start: number, end: number): HostTensor<'int64'> {
  const [axes, length] = positions.shape as readonly [number, number];
  const kept = hostTensor('int64', [axes, end - start]);
  for (let axis = 0; axis < axes; axis++)
    kept.data.set(positions.data.subarray(axis * length + start, axis * length + end), axis * (end - start));
  return kept;
}
