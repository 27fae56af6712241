/** Image tokens: from one marker per picture, as chat templates write it, to one token per row of features. */
// T tokens, F rows of features
import { CheckpointError, DataError } from '../../core/index.ts';
import type { CheckpointTokenizer } from '../../data/index.ts';
import type { PreparedPrompt } from './generating.ts';

/** A family's image token in a checkpoint. */
export interface ImageToken {
  readonly text: string;
  readonly id: number;
}

/**
 * Looks an image token up.
 * @param modelId what config.json calls it, where it is known  @throws CheckpointError when tokenizer and model differ
 */
export function findImageToken(tokenizer: CheckpointTokenizer, text: string, modelId?: number): ImageToken {
  const id = tokenizer.id(text);
  if (id === undefined)
    throw new CheckpointError(`the tokenizer has no token ${text}, which stands for pictures`, FETCH);
  if (modelId !== undefined && modelId !== id)
    throw new CheckpointError(`${text} is token ${id} of the tokenizer, but the model expects ${modelId}`, FETCH);
  return { text, id };
}

/**
 * Puts a text in place of each marker.
 * @param replacements one per picture  @throws DataError when markers and pictures differ in number
 */
export function replaceMarkers(text: string, marker: string, replacements: readonly string[]): string {
  const parts = text.split(marker);
  if (parts.length - 1 !== replacements.length)
    throw new DataError(
      `the text has ${counted(parts.length - 1, 'image marker')} (${marker}), but there ${replacements.length === 1 ? 'is' : 'are'} ${counted(replacements.length, 'picture')}`,
      'give a picture for each marker, and write no markers into the text by hand',
    );
  return parts.map((part, index) => (index === 0 ? part : `${replacements[index - 1]!}${part}`)).join('');
}

/**
 * Encodes a text with image tokens, of which it holds one for each number of `repeats`.
 *
 * Tokens such as `<image>` split a text before anything else is done to it, so that n of them side by side are n times
 * the same token. Encoding one and repeating it gives what encoding them all does, in a fraction of the time.
 * @param repeats how many tokens each becomes, in their order
 * @throws CheckpointError when the tokenizer does not read image tokens as such
 */
export function encodeWithImages(
  tokenizer: CheckpointTokenizer,
  text: string,
  { id, text: tokenText }: ImageToken,
  repeats: readonly number[],
): number[] {
  const { bos_token: start } = tokenizer.specialTokens;
  // A chat template that writes the start of the text itself wants no second one.
  const specialTokens = start === undefined || start === '' || !text.startsWith(start);
  const encoded = tokenizer.encode(text, { specialTokens });
  const tokens: number[] = [];
  let found = 0;
  for (const token of encoded) {
    const times = token === id ? (repeats[found++] ?? 0) : 1;
    for (let i = 0; i < times; i++) tokens.push(token);
  }
  if (found !== repeats.length)
    throw new CheckpointError(
      `the tokenizer makes ${counted(found, 'image token')} of ${repeats.length} times ${tokenText}`,
      FETCH,
    );
  return tokens;
}

/**
 * Refuses a prompt whose image tokens are not as many as the model makes rows of features.
 * @param features F of each picture, as the model makes them
 * @throws DataError with both numbers
 */
export function checkImageTokens(prompt: PreparedPrompt, imageToken: number, features: readonly number[]): void {
  for (const [index, rows] of features.entries()) {
    const tokens = prompt.pictures[index]?.features ?? 0;
    if (tokens !== rows) throw mismatch(`picture ${index + 1}`, tokens, rows);
  }
  const tokens = prompt.tokens.reduce((count, token) => count + (token === imageToken ? 1 : 0), 0);
  const rows = features.reduce((sum, count) => sum + count, 0);
  if (tokens !== rows) throw mismatch('the prompt', tokens, rows);
}

/**
 * The same for one kind of picture, known from the files alone, before any picture comes.
 * @throws CheckpointError with both numbers
 */
export function checkPerPicture(what: string, tokens: number, features: number): void {
  if (tokens === features) return;
  throw new CheckpointError(
    `the processor writes ${counted(tokens, 'image token')} for ${what}, but the model makes ${counted(features, 'row')} of features`,
    'processor and model are of different checkpoints: fetch it again, or correct processor_config.json',
  );
}

function mismatch(what: string, tokens: number, rows: number): DataError {
  return new DataError(
    `${what} has ${counted(tokens, 'image token')}, but the model makes ${counted(rows, 'row')} of features`,
    'use the processor files that belong to the model',
  );
}

const FETCH = 'fetch the checkpoint again with all its files';

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
