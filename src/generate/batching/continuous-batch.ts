// V vocabulary
import { GenerationError } from '../../core/index.ts';
import type { Decoding } from '../decoding.ts';
import type { GeneratedToken, GenerateOptions } from '../generate.ts';
import { answerLength, asPrompt, checkPrompts, type Prompt } from '../prompt.ts';
import { PiecePace } from './piece-pace.ts';
import { BatchRequest, type Sequence } from './sequence.ts';
import { Slots } from './slots.ts';
import { Stepper, type Variant } from './stepper.ts';

/** How many answers are written at once, unless told. */
const ROWS = 16;
/** Tokens of an answer that there is room for from the start; more is made when it is needed. */
const AHEAD = 256;

export interface ContinuousBatchOptions {
  /** Most answers that are written at once; others wait. 16 unless told. */
  readonly rows?: number;
}

/** What a batch has done, and what it does. */
export interface BatchStats {
  /** Answers that are being written, whose prompt is being read, and that wait. */
  readonly writing: number;
  readonly reading: number;
  readonly waiting: number;
  /** Since the beginning: tokens of answers, tokens of prompts, and steps that wrote a token in each row. */
  readonly written: number;
  readonly read: number;
  readonly steps: number;
}

/**
 * Answers many requests together. A request joins as soon as there is a place and its prompt is read, and leaves with its
 * last token; the others go on meanwhile (Yu et al. 2022, "Orca", OSDI). Prompts are read in pieces between the steps.
 */
export class ContinuousBatch {
  readonly #decoding: Decoding;
  readonly #slots: Slots;
  readonly #stepper: Stepper;
  readonly #base: Variant;
  readonly #rows: number;
  readonly #pace = new PiecePace();
  readonly #waiting: Sequence[] = [];
  #reading: Sequence | undefined;
  /** By their places. */
  readonly #writing: Sequence[] = [];
  /** Chosen, and not handed out yet. */
  #pending: (readonly [BatchRequest, GeneratedToken])[] = [];
  readonly #latest: Int32Array;
  readonly #logits: Float32Array;
  #working: Promise<void> | undefined;
  #disposed = false;
  readonly #counts = { written: 0, read: 0, steps: 0 };

  private constructor(decoding: Decoding, rows: number) {
    const program = decoding.program();
    this.#decoding = decoding;
    this.#rows = rows;
    // One more than there are rows: the prompt that is read.
    this.#slots = new Slots(program, rows + 1);
    this.#stepper = new Stepper(this.#slots);
    this.#base = { program: program.lease.program, values: program.lease.values, rows: {} };
    this.#latest = new Int32Array(rows + 1);
    this.#logits = new Float32Array(decoding.vocabularySize);
  }

  /** @throws GenerationError for models with further inputs of each row, which cannot come and go */
  static async create(decoding: Decoding, options: ContinuousBatchOptions = {}): Promise<ContinuousBatch> {
    const { rows = ROWS } = options;
    if (!Number.isInteger(rows) || rows < 1 || rows > 1024)
      throw new GenerationError(`${rows} rows`, 'give a whole number from 1 to 1024');
    const [further] = Object.keys(decoding.shape.context ?? {});
    if (further !== undefined)
      throw new GenerationError(
        `rows of a model that reads ${further} beside its tokens cannot come and go`,
        'answer its prompts one after another, with generate',
      );
    const batch = new ContinuousBatch(decoding, rows);
    await batch.#slots.prepare();
    return batch;
  }

  get stats(): BatchStats {
    const reading = Number(this.#reading !== undefined);
    return { writing: this.#writing.length, reading, waiting: this.#waiting.length, ...this.#counts };
  }

  /**
   * Answers a prompt, as {@link generate} does, beside whatever else is being answered. Ending the iteration frees the place
   * within one token.
   * @throws GenerationError for options out of range, an empty prompt, and more tokens than the model was made for
   */
  async *generate(
    given: readonly number[] | Prompt,
    options: GenerateOptions = {},
  ): AsyncGenerator<GeneratedToken, void, void> {
    const request = this.#request(asPrompt(given), options);
    const { signal } = options;
    signal?.throwIfAborted();
    const abort = (): void => request.fail(signal!.reason, 'once');
    signal?.addEventListener('abort', abort, { once: true });
    try {
      this.#waiting.push(...request.sequences);
      this.#start();
      for (;;) {
        const token = await request.queue.next();
        if (token === undefined) return;
        yield token;
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      request.giveUp();
    }
  }

  #request(prompt: Prompt, options: GenerateOptions): BatchRequest {
    if (this.#disposed) throw new GenerationError('this batch was disposed of', 'keep it until its last answer');
    if (options.cache !== undefined)
      throw new GenerationError('a batch keeps what it has read by itself', 'leave the prompt cache out');
    checkPrompts([prompt], this.#decoding);
    const { length } = prompt.tokens;
    const maxNewTokens = answerLength(options.maxNewTokens, length, this.#decoding);
    if (length + maxNewTokens > this.#decoding.maxLength)
      throw new GenerationError(
        `${length + maxNewTokens} tokens, prompt and answer together, are more than the ${this.#decoding.maxLength} that the model was made for`,
        'shorten the prompt or ask for fewer new tokens',
      );
    return new BatchRequest(prompt, this.#decoding.imageToken, maxNewTokens, options);
  }

  #start(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      // Somebody may have come while the last ones left.
      if (this.#waiting.length > 0 && !this.#disposed) this.#start();
    });
  }

  async #work(): Promise<void> {
    try {
      for (;;) {
        await this.#sweep();
        await this.#admit();
        if (this.#reading === undefined && this.#writing.length === 0) break;
        if (this.#reading !== undefined) await this.#readOn(this.#reading);
        if (this.#writing.length > 0) await this.#step();
      }
    } catch (error) {
      // Nothing is known of the state of anybody any more.
      this.#failAll(error);
      this.#writing.length = 0;
      this.#reading = undefined;
    }
    this.#deliver();
  }

  /** Those whom nobody listens to leave. */
  async #sweep(): Promise<void> {
    if (this.#reading?.request.givenUp === true) this.#reading = undefined;
    for (let place = this.#writing.length - 1; place >= 0; place--)
      if (this.#writing[place]!.request.givenUp) await this.#leave(place);
  }

  /** The next in turn gets a place. */
  async #admit(): Promise<void> {
    while (this.#reading === undefined && this.#writing.length < this.#rows) {
      const sequence = this.#waiting.shift();
      if (sequence === undefined) return;
      const { request } = sequence;
      if (request.givenUp) continue;
      try {
        await this.#slots.reserve(request.reader.length + Math.min(request.maxNewTokens, AHEAD));
      } catch (error) {
        this.#fail(request, error);
        continue;
      }
      sequence.place = this.#writing.length;
      this.#slots.clear(sequence.place);
      this.#reading = sequence;
    }
  }

  /** Reads a piece of a prompt; after the last one the answer begins. */
  async #readOn(sequence: Sequence): Promise<void> {
    const { request, place } = sequence;
    const { reader } = request;
    const slots = this.#slots;
    try {
      const start = slots.lengths[place]!;
      const end = Math.min(reader.length, start + this.#pace.size(this.#writing.length === 0));
      const from = performance.now();
      await this.#stepper.readPiece(place, reader.piece(start, end), this.#base, () => this.#deliver());
      this.#pace.sawPiece(end - start, performance.now() - from);
      this.#counts.read += end - start;
      if (end < reader.length) return;
      this.#reading = undefined;
      if (await this.#choose(sequence, place)) return;
    } catch (error) {
      this.#reading = undefined;
      this.#fail(request, error);
      return;
    }
    const joined = this.#writing.length;
    await slots.copy(place, joined);
    sequence.place = joined;
    this.#writing.push(sequence);
  }

  /** Writes a token in each row. */
  async #step(): Promise<void> {
    const writing = this.#writing;
    const count = writing.length;
    let longest = 0;
    for (let place = 0; place < count; place++) {
      this.#latest[place] = writing[place]!.latest;
      longest = Math.max(longest, this.#slots.lengths[place]! + 1);
    }
    const from = performance.now();
    try {
      await this.#slots.reserve(longest);
      await this.#stepper.step(count, this.#latest, this.#base, () => this.#deliver());
    } catch (error) {
      for (const { request } of writing) this.#fail(request, error);
      return;
    }
    this.#counts.steps++;
    const ended: number[] = [];
    for (let place = 0; place < count; place++) {
      const sequence = writing[place]!;
      try {
        if (await this.#choose(sequence, place)) ended.push(place);
      } catch (error) {
        this.#fail(sequence.request, error);
        ended.push(place);
      }
    }
    this.#pace.sawStep(performance.now() - from);
    for (const place of ended.reverse()) await this.#leave(place);
  }

  /** Chooses a sequence's next token. @returns whether it was the last  @throws as {@link Sequence.choose} */
  async #choose(sequence: Sequence, place: number): Promise<boolean> {
    const logits = this.#logits;
    const read = this.#slots.logits.read(place * logits.length, logits);
    if (read !== undefined) await read;
    const token = sequence.choose(logits);
    this.#counts.written++;
    this.#pending.push([sequence.request, token]);
    return token.finish !== undefined;
  }

  /** The last row takes the place of one that leaves. */
  async #leave(place: number): Promise<void> {
    const last = this.#writing.pop()!;
    const end = this.#writing.length;
    if (place === end) return;
    await this.#slots.copy(end, place);
    this.#writing[place] = last;
    last.place = place;
  }

  /** Hands out what was chosen. Called while the engine works, so that it does not wait for those who listen. */
  #deliver(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    for (const [request, token] of pending) request.deliver(token);
  }

  /** Behind what was chosen before. */
  #fail(request: BatchRequest, error: unknown): void {
    this.#deliver();
    request.fail(error, 'end');
  }

  #failAll(error: unknown): void {
    const all = [...this.#writing, ...(this.#reading === undefined ? [] : [this.#reading]), ...this.#waiting.splice(0)];
    for (const { request } of all) this.#fail(request, error);
  }

  /** Ends all answers with an error, and frees what was held. */
  async dispose(): Promise<void> {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#failAll(new GenerationError('the batch was disposed of while it answered'));
    await this.#working;
    this.#stepper.dispose();
    this.#slots.dispose();
    this.#slots.program.lease.end();
  }
}
