// B rows, V vocabulary
import { GenerationError, type HostTensor } from '../core/index.ts';
import type { Decoding } from './decoding.ts';
import type { Constraint, ConstraintFactory } from './constraint/constraint.ts';
import { likeliest, logProbabilityOf, type ScoredToken } from './probability.ts';
import { answerLength, asPrompt, checkPrompts, type Piece, piecesOf, type Prompt } from './prompt.ts';
import type { PromptCache } from './prompt-cache.ts';
import { Sampler, type SamplingOptions } from './sampling.ts';

/**
 * Tokens of a prompt that are read at once: no slower than all together (measured: 1,024 tokens in 2.25 s in two pieces,
 * 2.31 s in one), with less memory for attention, and a signal is heard between pieces.
 */
const PIECE = 512;

/** How answers are made. */
export interface GenerateOptions extends SamplingOptions {
  /** Most tokens of an answer; unless told 256, or fewer where the model cannot hold that many. */
  readonly maxNewTokens?: number;
  /** Tokens that end an answer, the end-of-text token above all. */
  readonly stopTokens?: readonly number[];
  /** How many answers each prompt gets, drawn apart from each other; 1 unless told. */
  readonly answers?: number;
  /** What the answers must look like, e.g. JSON of a schema. An answer ends where it can only end. */
  readonly constraint?: ConstraintFactory;
  /** Called with each token as it is chosen; true ends the row with it. */
  readonly until?: (row: number, token: number) => boolean;
  /** Whether each token comes with its log-probability: a pass over the vocabulary that greedy answers do not need. */
  readonly logProbabilities?: boolean;
  /** How many of the likeliest tokens come with each token, along with its log-probability. */
  readonly alternatives?: number;
  /** What earlier answers have read; for one prompt. */
  readonly cache?: PromptCache;
  /** Ends the answer within one token. The iteration then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A token of an answer. */
export interface GeneratedToken {
  /** Which of the prompts it answers; with n answers each, row p·n + k is the k-th answer to prompt p. */
  readonly row: number;
  readonly token: number;
  /** Natural logarithm of its probability, as the model gave it before any of the options; where it was asked for. */
  readonly logProbability?: number;
  /** The likeliest tokens in its place, as many as were asked for. */
  readonly alternatives?: readonly ScoredToken[];
  /** Tokens of the prompt that needed no reading, since they were known; with an answer's first token, where there are any. Of several answers to a prompt the first alone says it. */
  readonly known?: number;
  /** Set on the last token: a stop token came or nothing else may follow, or the answer is as long as it may be. */
  readonly finish?: 'stop' | 'length';
}

/**
 * Answers prompts, of any lengths, together; gives each token as soon as it is known. With one seed every prompt gets the
 * answer that it gets alone, except for rounding.
 * @throws GenerationError for options out of range, an empty prompt, and more tokens than the model was made for
 */
export async function* generate(
  decoding: Decoding,
  given: readonly (readonly number[] | Prompt)[],
  options: GenerateOptions = {},
): AsyncGenerator<GeneratedToken, void, void> {
  const { stopTokens = [], alternatives = 0, answers = 1, cache, signal } = options;
  const { logProbabilities = alternatives > 0 } = options;
  const prompts = given.map(asPrompt);
  checkPrompts(prompts, decoding);
  if (!Number.isInteger(answers) || answers < 1)
    throw new GenerationError(`answers is ${answers}`, 'give a whole number from 1 up');
  const rows = answers === 1 ? prompts : prompts.flatMap((prompt) => Array.from({ length: answers }, () => prompt));
  const longest = Math.max(...prompts.map(({ tokens }) => tokens.length));
  const maxNewTokens = answerLength(options.maxNewTokens, longest, decoding);
  const samplers = rows.map(({ tokens }, row) => new Sampler(options, tokens, row % answers));
  const constraints: (Constraint | undefined)[] = rows.map(() => options.constraint?.start(stopTokens));
  if (cache !== undefined && (rows.length > 1 || rows[0]!.context !== undefined))
    throw new GenerationError('a prompt cache serves one prompt and one answer', 'give one, or leave the cache out');
  signal?.throwIfAborted();

  const stops = new Set(stopTokens);
  const capacity = longest + maxNewTokens;
  const { state, known } = cache
    ? await cache.take(rows[0]!, capacity)
    : { state: await decoding.start(rows.length, capacity, contextsOf(rows)), known: 0 };
  const answer: number[] = [];
  try {
    const finished = rows.map(() => false);
    const latest = rows.map(() => 0);
    // Rows of several prompts are read at once, since they may be of unequal length in their first run alone.
    const pieces = rows.map((prompt) =>
      piecesOf(prompt, known, decoding.imageToken, rows.length > 1 ? Infinity : PIECE),
    );
    for (const piece of rows.length > 1 ? [] : pieces[0]!.slice(0, -1)) {
      await state.read([piece]);
      signal?.throwIfAborted();
    }
    let next: readonly (readonly number[] | Piece)[] = pieces.map((all) => all.at(-1)!);
    for (let step = 1; finished.includes(false); step++) {
      const { data } = await state.read(next);
      signal?.throwIfAborted();
      const chosen: number[][] = [];
      for (const [row, sampler] of samplers.entries()) {
        // A row that has ended is filled up with its last token until the others end too.
        chosen[row] = [latest[row]!];
        if (finished[row]) continue;
        const logits = data.subarray(row * decoding.vocabularySize, (row + 1) * decoding.vocabularySize);
        const constraint = constraints[row];
        const token = sampler.next(logits, constraint);
        constraint?.accept(token);
        const told = options.until?.(row, token) === true;
        const ends = told || stops.has(token) || constraint?.finished === true;
        const finish = ends ? 'stop' : step === maxNewTokens ? 'length' : undefined;
        finished[row] = finish !== undefined;
        latest[row] = token;
        chosen[row] = [token];
        if (row === 0) answer.push(token);
        yield {
          row,
          token,
          ...(logProbabilities ? { logProbability: logProbabilityOf(logits, token) } : {}),
          ...(alternatives > 0 ? { alternatives: likeliest(logits, alternatives) } : {}),
          ...(finish === undefined ? {} : { finish }),
        };
        signal?.throwIfAborted();
      }
      next = chosen;
    }
  } finally {
    if (cache === undefined) state.dispose();
    else cache.release(prompts[0]!, answer);
  }
}

function contextsOf(prompts: readonly Prompt[]): readonly Readonly<Record<string, HostTensor>>[] {
  return prompts.map(({ context = {} }) => context);
}
