import type { CheckpointTokenizer } from '../data/index.ts';

/**
 * What each token adds to the text. A token that begins a letter which others end adds nothing, and the last of them the letter.
 * Together they are the text.
 */
export function tokenTexts(tokenizer: CheckpointTokenizer, tokens: readonly number[]): string[] {
  const stream = tokenizer.stream();
  const texts = tokens.map((token) => stream.push(token));
  if (texts.length > 0) texts[texts.length - 1] += stream.end();
  return texts;
}
