/** Image tokens: from one marker per picture, as chat templates write it, to one token per row of features. */
// T tokens, F rows of features
import { CheckpointError, DataError } from '../../core/index.ts';
import type { CheckpointTokenizer } from '../../data/index.ts';

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
 * A text with a marker for each picture, as tokens: each marker becomes as many image tokens as its picture has features.
 * @param repeats one number per picture
 * @throws DataError when markers and pictures differ in number, CheckpointError as {@link encodeWithImages}
 */
export function encodePictures(
  tokenizer: CheckpointTokenizer,
  text: string,
  token: ImageToken,
  repeats: readonly number[],
): number[] {
  const marked = replaceMarkers(
    text,
    token.text,
    repeats.map(() => token.text),
  );
  return encodeWithImages(tokenizer, marked, token, repeats);
}

/** What a processor writes and a model makes of one tile, or of a picture that is one. */
export interface PerTile {
  /** Image tokens that the processor writes. */
  readonly tokens: number;
  /** Rows of features that the model makes. */
  readonly features: number;
  /** Height or width in pixels that the processor gives it. */
  readonly side: number;
  /** Height and width in pixels that the model takes. */
  readonly modelSide: number;
}

/**
 * Refuses processor files of another checkpoint before any picture comes.
 * @throws CheckpointError with both numbers
 */
export function checkTiles({ tokens, features, side, modelSide }: PerTile): void {
  const hint =
    'processor and model are of different checkpoints: fetch it again, or correct the files of the processor';
  if (tokens !== features)
    throw new CheckpointError(
      `the processor writes ${counted(tokens, 'image token')} for a tile, but the model makes ${counted(features, 'row')} of features of it`,
      hint,
    );
  if (side !== modelSide)
    throw new CheckpointError(`the processor gives tiles of ${side} pixels, but the model takes ${modelSide}`, hint);
}

const FETCH = 'fetch the checkpoint again with all its files';

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
