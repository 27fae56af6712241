import { GenerationError } from '../core/index.ts';
import { type AnswerPiece, AnswerText, type TextDecoding, type TextOptions } from './answer.ts';
import { beamSearch, type BeamOptions } from './beam-search.ts';
import type { Decoding } from './decoding.ts';
import type { Prompt } from './prompt.ts';

export interface BeamTextOptions extends TextOptions, Partial<Pick<BeamOptions, 'lengthPenalty' | 'earlyStopping'>> {
  /** Beam search instead of choosing token by token; the pieces come when all is found. */
  readonly numBeams?: number;
}

/**
 * What beam search finds, as pieces; row n is the n-th best answer. Stop strings cut what was found, and a
 * prompt cache is left as it is.
 * @throws GenerationError for options that go with choosing token by token only
 */
export async function* beamAnswer(
  decoding: Decoding,
  prompt: Prompt,
  tokenizer: TextDecoding,
  { numBeams = 1, ...options }: BeamTextOptions,
): AsyncGenerator<AnswerPiece, void, void> {
  const { constraint, temperature = 0, presencePenalty = 0, frequencyPenalty = 0 } = options;
  const chosen = temperature !== 0 || presencePenalty !== 0 || frequencyPenalty !== 0;
  if (constraint !== undefined || chosen)
    throw new GenerationError(
      'beam search takes no constraint, temperature or penalty but that of repetition',
      'leave these out, or the beams',
    );
  const { stop, stopTokens = [] } = options;
  for (const [row, found] of (await beamSearch(decoding, prompt, { ...options, numBeams })).entries()) {
    const text = new AnswerText(tokenizer, stop);
    for (const [i, token] of found.tokens.entries()) {
      if (!stopTokens.includes(token)) text.push(token);
      const last = text.stopped || i === found.tokens.length - 1;
      if (last) text.end();
      const finish = text.stopped ? 'stop' : found.finish;
      yield {
        text: text.take(),
        token: { row, token, logProbability: found.logProbabilities[i]!, ...(last ? { finish } : {}) },
      };
      if (last) break;
    }
  }
}
