/** How BLIP's texts begin and end, as Transformers gives them to the decoder. */
import type { BlipTextConfig } from './config.ts';

/**
 * A caption's start. The decoder begins with a token of its own in the place of [CLS], and [SEP] would end the caption.
 * @param encoded the start of a caption between [CLS] and [SEP]; those two alone where the model begins by itself
 */
export function captionPrompt(encoded: readonly number[], { startToken }: BlipTextConfig): number[] {
  return [startToken, ...encoded.slice(1, -1)];
}

/** An answer's start: the decoder sees the question by attending to it. */
export function answerPrompt({ startToken }: BlipTextConfig): number[] {
  return [startToken];
}
