// B beams, V vocabulary
import { GenerationError } from '../core/index.ts';
import type { Decoding } from './decoding.ts';
import { likeliest, logProbabilityOf } from './probability.ts';
import { answerLength, asPrompt, checkPrompts, type Piece, piecesOf, type Prompt } from './prompt.ts';

/** How answers are searched for. Defaults and meaning are those of Transformers 5. */
export interface BeamOptions {
  /** Answers that are followed at once, from 2 up. */
  readonly numBeams: number;
  /** How many are given, the best first; 1 unless told, at most `numBeams`. */
  readonly answers?: number;
  /** The sum of log-probabilities is divided by length to this power; 1 unless told, above 0 favours long answers. */
  readonly lengthPenalty?: number;
  /**
   * True ends as soon as there are `numBeams` whole answers; false, the default, when a better one is unlikely; 'never' when
   * there can be none.
   */
  readonly earlyStopping?: boolean | 'never';
  readonly maxNewTokens?: number;
  readonly stopTokens?: readonly number[];
  readonly repetitionPenalty?: number;
  readonly signal?: AbortSignal;
}

/** A whole answer. */
export interface BeamAnswer {
  /** With the stop token, where one came. */
  readonly tokens: readonly number[];
  /** Natural logarithms of the tokens' probabilities, as the model gave them. */
  readonly logProbabilities: readonly number[];
  /** Its log-probability, divided as `lengthPenalty` says. */
  readonly score: number;
  readonly finish: 'stop' | 'length';
}

interface Beam {
  readonly tokens: readonly number[];
  readonly logProbabilities: readonly number[];
  readonly score: number;
}

interface Candidate {
  readonly beam: number;
  readonly token: number;
  readonly score: number;
}

/**
 * Searches for the likeliest answers to a prompt. Each step copies the beams' caches where they change places.
 * @returns the best first; fewer than asked for when the search ended before there were so many
 * @throws GenerationError for options out of range and more tokens than the model was made for
 */
export async function beamSearch(
  decoding: Decoding,
  given: readonly number[] | Prompt,
  options: BeamOptions,
): Promise<BeamAnswer[]> {
  const { numBeams, stopTokens = [], lengthPenalty = 1, earlyStopping = false, signal } = options;
  const prompt = asPrompt(given);
  checkPrompts([prompt], decoding);
  check(options, decoding.vocabularySize);
  const maxNewTokens = answerLength(options.maxNewTokens, prompt.tokens.length, decoding);
  const stops = new Set(stopTokens);
  // Enough that as many go on even if all others stop.
  const kept = Math.min(Math.max(2, 1 + stops.size) * numBeams, decoding.vocabularySize);
  const context = prompt.context ?? {};
  signal?.throwIfAborted();
  const contexts = Array.from({ length: numBeams }, () => context);
  const state = await decoding.start(numBeams, prompt.tokens.length + maxNewTokens, contexts);
  try {
    let beams: readonly Beam[] = [{ tokens: [], logProbabilities: [], score: 0 }];
    let whole: BeamAnswer[] = [];
    const [first] = piecesOf(prompt, 0, decoding.imageToken) as [Piece];
    let next: readonly (readonly number[] | Piece)[] = beamsOf(numBeams, () => first);
    for (let length = 1; ; length++) {
      const { data } = await state.read(next);
      signal?.throwIfAborted();
      const rows = beams.map((_, row) =>
        data.subarray(row * decoding.vocabularySize, (row + 1) * decoding.vocabularySize),
      );
      const penalty = options.repetitionPenalty ?? 1;
      const candidates = beams
        .flatMap((beam, row) => candidatesOf(rows[row]!, beam, row, kept, penalty, prompt.tokens))
        .sort((a, b) => b.score - a.score || a.beam - b.beam || a.token - b.token)
        .slice(0, kept);
      const isLast = length === maxNewTokens;
      const ends = ({ token }: Candidate): boolean => isLast || stops.has(token);
      const grown = ({ beam, token, score }: Candidate): Beam => ({
        tokens: [...beams[beam]!.tokens, token],
        logProbabilities: [...beams[beam]!.logProbabilities, logProbabilityOf(rows[beam]!, token)],
        score,
      });
      const found = candidates.slice(0, numBeams).filter(ends);
      const open = candidates.filter((candidate) => !ends(candidate)).slice(0, numBeams);
      whole = [...whole, ...found.map((candidate) => finished(grown(candidate), lengthPenalty, stops))]
        .sort((a, b) => b.score - a.score)
        .slice(0, numBeams);
      if (open.length < numBeams) break;
      const isFull = whole.length === numBeams;
      if (isFull && earlyStopping === true) break;
      const hoped = earlyStopping === 'never' && lengthPenalty > 0 ? maxNewTokens : length;
      if (isFull && open[0]!.score / hoped ** lengthPenalty <= whole.at(-1)!.score) break;
      beams = open.map(grown);
      await state.reorder(beamsOf(numBeams, (row) => (length === 1 ? 0 : open[row]!.beam)));
      next = open.map(({ token }) => [token]);
    }
    return whole.slice(0, options.answers ?? 1);
  } finally {
    state.dispose();
  }
}

function beamsOf<T>(count: number, make: (row: number) => T): T[] {
  return Array.from({ length: count }, (_, row) => make(row));
}

function candidatesOf(
  logits: Float32Array,
  { tokens, score }: Beam,
  beam: number,
  count: number,
  penalty: number,
  prompt: readonly number[],
): Candidate[] {
  if (penalty === 1)
    return likeliest(logits, count).map(({ token, logProbability }) => ({
      beam,
      token,
      score: score + logProbability,
    }));
  // The penalty is on log-probabilities, which are all negative.
  const normalizer = logits[0]! - logProbabilityOf(logits, 0);
  const penalized = logits.map((logit) => logit - normalizer);
  for (const token of new Set([...prompt, ...tokens])) penalized[token]! *= penalty;
  return likeliest(penalized, count).map(({ token }) => ({ beam, token, score: score + penalized[token]! }));
}

function finished({ tokens, logProbabilities, score }: Beam, penalty: number, stops: ReadonlySet<number>): BeamAnswer {
  const finish = stops.has(tokens.at(-1)!) ? 'stop' : 'length';
  return { tokens, logProbabilities, score: score / tokens.length ** penalty, finish };
}

function check(options: BeamOptions, vocabulary: number): void {
  const { numBeams, answers = 1, lengthPenalty = 1, repetitionPenalty = 1 } = options;
  const wrong = (what: string, hint: string): GenerationError => new GenerationError(what, hint);
  if (!Number.isInteger(numBeams) || numBeams < 2 || numBeams > Math.min(256, vocabulary / 2))
    throw wrong(`numBeams is ${numBeams}`, 'give a whole number from 2 up, usually 4');
  if (!Number.isInteger(answers) || answers < 1 || answers > numBeams)
    throw wrong(`answers is ${answers}`, `give a whole number from 1 to numBeams, ${numBeams}`);
  if (!Number.isFinite(lengthPenalty)) throw wrong(`lengthPenalty is ${lengthPenalty}`, 'give a number, usually 1');
  if (!(repetitionPenalty > 0 && repetitionPenalty <= 100))
    throw wrong(`repetitionPenalty is ${repetitionPenalty}`, 'give a number above 0, usually from 1 to 1.3');
}
