// V vocabulary
import { GenerationError } from '../../core/index.ts';
import type { Constraint } from '../constraint/index.ts';
import type { GeneratedToken, GenerateOptions } from '../generate.ts';
import type { LayerChanges } from '../layer-changes.ts';
import { likeliest, logProbabilityOf } from '../probability.ts';
import { PromptReader, type Prompt } from '../prompt.ts';
import { Sampler } from '../sampling.ts';
import type { PrefixState } from './prefixes.ts';
import { TokenQueue } from './token-queue.ts';

/** What somebody asked for: one answer or several to one prompt. */
export class BatchRequest {
  readonly queue: TokenQueue = new TokenQueue();
  readonly prompt: Prompt;
  readonly reader: PromptReader;
  readonly options: GenerateOptions;
  readonly maxNewTokens: number;
  readonly stops: ReadonlySet<number>;
  /** What its adapters change. */
  readonly adapter: LayerChanges | undefined;
  readonly sequences: readonly Sequence[];
  /** Nobody wants the rest: it failed, was told to end, or is not listened to. */
  #given = false;
  #open: number;

  /** @throws GenerationError for options out of their range */
  constructor(
    prompt: Prompt,
    imageToken: number | undefined,
    maxNewTokens: number,
    options: GenerateOptions,
    adapter?: LayerChanges,
  ) {
    const { answers = 1, stopTokens = [] } = options;
    if (!Number.isInteger(answers) || answers < 1)
      throw new GenerationError(`answers is ${answers}`, 'give a whole number from 1 up');
    this.prompt = prompt;
    this.reader = new PromptReader(prompt, imageToken);
    this.options = options;
    this.maxNewTokens = maxNewTokens;
    this.stops = new Set(stopTokens);
    this.adapter = adapter;
    this.sequences = Array.from({ length: answers }, (_, row) => new Sequence(this, row));
    this.#open = answers;
  }

  /** Whether nobody wants what is still to come. */
  get givenUp(): boolean {
    return this.#given;
  }

  /** What its last token ended is at its end; the last of several ends the request. */
  deliver(token: GeneratedToken): void {
    this.queue.push(token);
    if (token.finish !== undefined && --this.#open === 0) this.queue.end();
  }

  giveUp(): void {
    this.#given = true;
  }

  fail(reason: unknown, at: 'once' | 'end'): void {
    this.#given = true;
    this.queue.fail(reason, at);
  }
}

/** One answer while it is made. */
export class Sequence {
  readonly request: BatchRequest;
  readonly row: number;
  /** Where it is in the batch. */
  place = -1;
  /** The last token that was chosen, which the batch has not read yet. */
  latest = 0;
  /** Tokens of its prompt that were not read. */
  known = 0;
  /** What is known of its text, where that is kept. */
  prefix: PrefixState | undefined;
  /** Tokens of the answer. */
  readonly tokens: number[] = [];
  readonly #sampler: Sampler;
  readonly #constraint: Constraint | undefined;

  constructor(request: BatchRequest, row: number) {
    const { options, prompt } = request;
    this.request = request;
    this.row = row;
    this.#sampler = new Sampler(options, prompt.tokens, row);
    this.#constraint = options.constraint?.start(options.stopTokens ?? []);
  }

  /**
   * The next token. Where its `finish` is set, it was the last.
   * @param logits [V]  @throws what a constraint, or the request's own functions, throw
   */
  choose(logits: Float32Array): GeneratedToken {
    const { options, stops, maxNewTokens } = this.request;
    const { alternatives = 0, until } = options;
    const { logProbabilities = alternatives > 0 } = options;
    const constraint = this.#constraint;
    const token = this.#sampler.next(logits, constraint);
    constraint?.accept(token);
    this.tokens.push(token);
    const told = until?.(this.row, token) === true;
    const ends = told || stops.has(token) || constraint?.finished === true;
    const finish = ends ? 'stop' : this.tokens.length === maxNewTokens ? 'length' : undefined;
    this.latest = token;
    return {
      row: this.row,
      token,
      ...(logProbabilities ? { logProbability: logProbabilityOf(logits, token) } : {}),
      ...(alternatives > 0 ? { alternatives: likeliest(logits, alternatives) } : {}),
      ...(this.row === 0 && this.known > 0 && this.tokens.length === 1 ? { known: this.known } : {}),
      ...(finish === undefined ? {} : { finish }),
    };
  }
}
