/** From the fusion model's raw outputs to what a person reads. Runs anywhere. */

/** What a model says of a picture and a text. */
export interface Prediction {
  /** Index of the class. */
  readonly class: number;
  /** Its name. */
  readonly label: string;
  /** Probability of every class, by name, summing to 1. */
  readonly probabilities: Readonly<Record<string, number>>;
  /** Where each word of the text looked, in the order of the text. */
  readonly attention: readonly WordAttention[];
  /** True where the text was longer than the model's texts and lost its end. */
  readonly truncated: boolean;
}

/** Cross-attention between one word and the picture, mean over heads and layers. */
export interface WordAttention {
  readonly word: string;
  /** Parts of the picture's height and width: the map covers the padded square. */
  readonly rows: number;
  readonly cols: number;
  /** [rows, cols], row by row. */
  readonly values: Float32Array;
}

/** Softmax of one row. */
export function probabilitiesOf(logits: ArrayLike<number>): number[] {
  const values = Array.from(logits);
  const highest = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - highest));
  const sum = powers.reduce((total, value) => total + value, 0);
  return powers.map((value) => value / sum);
}

/**
 * Tokens put together to words: continuations (`##ing`) join the token before them, and so does punctuation; tokens that
 * the tokenizer adds (`[CLS]`, `<s>`) and padding belong to no word.
 * @returns the word and the positions of its tokens
 */
export function wordsOfTokens(tokens: readonly string[]): { word: string; positions: number[] }[] {
  const words: { word: string; positions: number[] }[] = [];
  for (const [position, token] of tokens.entries()) {
    if (/^(\[[A-Z]+\]|<[^>]*>)$/.test(token)) continue;
    const last = words.at(-1);
    if (last !== undefined && (token.startsWith('##') || /^\p{P}+$/u.test(token))) {
      last.word += token.replace(/^##/, '');
      last.positions.push(position);
    } else {
      words.push({ word: token.replace(/^[▁Ġ]/u, ''), positions: [position] });
    }
  }
  return words;
}

/**
 * The class that logits stand for: the largest, or, of two classes with a threshold, the second one where its logit exceeds
 * the first one's by at least that much.
 */
export function decideClass(logits: ArrayLike<number>, threshold?: number): number {
  if (logits.length === 2 && threshold !== undefined) return logits[1]! - logits[0]! >= threshold ? 1 : 0;
  let best = 0;
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i;
  return best;
}
