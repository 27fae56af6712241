// V vocabulary
import { GenerationError } from '../../core/index.ts';
import type { Decoding, DecodingProgram } from '../decoding.ts';
import type { GeneratedToken } from '../generate.ts';
import { answerLength, asPrompt, checkPrompts, type Prompt } from '../prompt.ts';
import { AdapterBank } from './adapter-bank.ts';
import type { BatchedOptions, BatchStats, ContinuousBatchOptions } from './batch-options.ts';
import { PiecePace } from './piece-pace.ts';
import { Prefixes } from './prefixes.ts';
import { BatchRequest, type Sequence } from './sequence.ts';
import { Slots } from './slots.ts';
import { Stepper, type Variant } from './stepper.ts';

/** How many answers are written at once, unless told. */
const ROWS = 16;
/** Tokens of an answer that there is room for from the start; more is made when it is needed. */
const AHEAD = 256;
/** Bytes of keys and values of the answers that are written, unless told. */
const CACHE_BYTES = 2 ** 31;
/** Bytes of keys and values that are kept of what was read, unless told. */
const PREFIX_BYTES = 256 * 2 ** 20;

/**
 * Answers many requests together. A request joins as soon as there is a place and its prompt is read, and leaves with its
 * last token; the others go on meanwhile (Yu et al. 2022, "Orca", OSDI). Prompts are read in pieces between the steps.
 */
export class ContinuousBatch {
  readonly #decoding: Decoding;
  readonly #slots: Slots;
  readonly #stepper: Stepper;
  readonly #base: Variant;
  readonly #bank: AdapterBank;
  readonly #prefixes: Prefixes | undefined;
  readonly #rows: number;
  readonly #cacheBytes: number;
  readonly #pace = new PiecePace();
  #waiting: Sequence[] = [];
  #reading: Sequence | undefined;
  /** By their places. */
  readonly #writing: Sequence[] = [];
  /** Chosen, and not handed out yet. */
  #pending: (readonly [BatchRequest, GeneratedToken])[] = [];
  readonly #latest: Int32Array;
  readonly #logits: Float32Array;
  #working: Promise<void> | undefined;
  #disposed = false;
  /** Whether the program knows which adapter each place has. */
  #arranged = false;
  readonly #counts = { written: 0, read: 0, steps: 0, known: 0 };

  private constructor(
    decoding: Decoding,
    program: DecodingProgram,
    rows: number,
    prefixBytes: number,
    cacheBytes: number,
  ) {
    this.#decoding = decoding;
    this.#rows = rows;
    this.#cacheBytes = cacheBytes;
    // One more than there are rows: the prompt that is read.
    this.#slots = new Slots(program, rows + 1);
    this.#stepper = new Stepper(this.#slots);
    this.#bank = new AdapterBank(program, rows + 1);
    this.#prefixes = prefixBytes > 0 ? new Prefixes(this.#slots, prefixBytes) : undefined;
    this.#base = { program: program.lease.program, values: program.lease.values, rows: {} };
    this.#latest = new Int32Array(rows + 1);
    this.#logits = new Float32Array(decoding.vocabularySize);
  }

  /**
   * @throws GenerationError for options out of their range, a model that adapters were put on, and one with further inputs of
   *   each row, which cannot come and go
   */
  static async create(decoding: Decoding, options: ContinuousBatchOptions = {}): Promise<ContinuousBatch> {
    const { rows = ROWS, prefixBytes = PREFIX_BYTES, cacheBytes = CACHE_BYTES } = options;
    if (!Number.isInteger(rows) || rows < 1 || rows > 1024)
      throw new GenerationError(`${rows} rows`, 'give a whole number from 1 to 1024');
    const [further] = Object.keys(decoding.shape.context ?? {});
    if (further !== undefined)
      throw new GenerationError(
        `rows of a model that reads ${further} beside its tokens cannot come and go`,
        'answer its prompts one after another, with generate',
      );
    for (const [name, bytes] of Object.entries({ prefixBytes, cacheBytes }))
      if (!(bytes >= 0)) throw new GenerationError(`${name} is ${bytes}`, 'give a number from 0 up');
    const program = decoding.program();
    if (Object.keys(program.lease.values).length > 0) {
      program.lease.end();
      throw new GenerationError(
        'the model has adapters on it, which requests of a batch could not be without',
        'take them away, and name them with each request',
      );
    }
    const batch = new ContinuousBatch(decoding, program, rows, prefixBytes, cacheBytes);
    await batch.#slots.prepare();
    return batch;
  }

  get stats(): BatchStats {
    const reading = Number(this.#reading !== undefined);
    const prefixBytes = this.#prefixes?.bytes ?? 0;
    return { writing: this.#writing.length, reading, waiting: this.#waiting.length, ...this.#counts, prefixBytes };
  }

  /**
   * Answers a prompt, as {@link generate} does, beside whatever else is being answered. Ending the iteration frees the place
   * within one token.
   * @throws GenerationError for options out of range, an empty prompt, and more tokens than the model was made for
   */
  async *generate(
    given: readonly number[] | Prompt,
    options: BatchedOptions = {},
  ): AsyncGenerator<GeneratedToken, void, void> {
    const request = this.#request(asPrompt(given), options);
    const { signal } = options;
    const { adapter } = request;
    signal?.throwIfAborted();
    const abort = (): void => request.fail(signal!.reason, 'once');
    signal?.addEventListener('abort', abort, { once: true });
    let held = false;
    try {
      if (adapter !== undefined) {
        await this.#bank.hold(adapter);
        held = true;
        this.#alive();
      }
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
      if (held) this.#bank.letGo(adapter!);
    }
  }

  #request(prompt: Prompt, { adapter, ...options }: BatchedOptions): BatchRequest {
    this.#alive();
    checkPrompts([prompt], this.#decoding);
    const { length } = prompt.tokens;
    const maxNewTokens = answerLength(options.maxNewTokens, length, this.#decoding);
    if (length + maxNewTokens > this.#decoding.maxLength)
      throw new GenerationError(
        `${length + maxNewTokens} tokens, prompt and answer together, are more than the ${this.#decoding.maxLength} that the model was made for`,
        'shorten the prompt or ask for fewer new tokens',
      );
    // Adapters that change nothing of what the batch runs are none to it.
    const own = adapter !== undefined && this.#bank.changes(adapter) ? adapter : undefined;
    return new BatchRequest(prompt, this.#decoding.imageToken, maxNewTokens, options, own);
  }

  #alive(): void {
    if (this.#disposed) throw new GenerationError('this batch was disposed of', 'keep it until its last answer');
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
        await this.#read();
        if (this.#reading === undefined && this.#writing.length === 0) break;
        if (this.#writing.length > 0) await this.#step();
      }
    } catch (error) {
      // Nothing is known of the state of anybody any more.
      this.#failAll(error);
      this.#writing.length = 0;
      this.#reading = undefined;
    }
    this.#deliver();
    // One long answer shall not take room from many short ones for ever.
    if (this.#slots.bytes > this.#cacheBytes / 4) this.#slots.release();
  }

  /** Those whom nobody listens to leave. */
  async #sweep(): Promise<void> {
    if (this.#reading?.request.givenUp === true) this.#reading = undefined;
    if (this.#waiting.some(({ request }) => request.givenUp))
      this.#waiting = this.#waiting.filter(({ request }) => !request.givenUp);
    for (let place = this.#writing.length - 1; place >= 0; place--)
      if (this.#writing[place]!.request.givenUp) await this.#leave(place);
  }

  /** The next in turn gets a place. */
  async #admit(): Promise<void> {
    while (this.#reading === undefined && this.#waiting.length > 0) {
      const sequence = this.#waiting[0]!;
      const { request } = sequence;
      if (this.#writing.length >= this.#rowsFor(request)) return;
      this.#waiting.shift();
      this.#reading = sequence;
      this.#arranged = false;
      try {
        await this.#slots.reserve(request.reader.length + Math.min(request.maxNewTokens, AHEAD));
        sequence.place = this.#writing.length;
        this.#slots.clear(sequence.place);
        sequence.prefix = this.#prefixes?.begin(request.prompt, this.#decoding.imageToken, request.adapter);
      } catch (error) {
        this.#reading = undefined;
        this.#fail(request, error);
      }
    }
  }

  /** How many answers may be written at once when this one is among them. */
  #rowsFor({ reader, maxNewTokens }: BatchRequest): number {
    const bytes = this.#slots.capacityFor(reader.length + maxNewTokens) * this.#slots.tokenBytes;
    return Math.max(1, Math.min(this.#rows, Math.floor(this.#cacheBytes / bytes)));
  }

  /** Reads prompts for as long as those who write may wait. */
  async #read(): Promise<void> {
    const start = performance.now();
    for (let first = true; ; first = false) {
      await this.#sweep();
      if (this.#bank.settle()) this.#arranged = false;
      await this.#admit();
      const sequence = this.#reading;
      if (sequence === undefined) return;
      const free = this.#rowsFor(sequence.request) - this.#writing.length;
      const budget = this.#pace.budget(Math.min(free, 1 + this.#waiting.length), this.#writing.length);
      if (!first && this.#pace.isOver(start + budget - performance.now())) return;
      await this.#readOn(sequence, start + budget);
    }
  }

  /** Reads a piece of a prompt; after the last one the answer begins. @param until when it is to be done */
  async #readOn(sequence: Sequence, until: number): Promise<void> {
    const { request, place } = sequence;
    try {
      if (!(await this.#recall(sequence, until)) || !(await this.#readPiece(sequence, until))) return;
      if (!(await this.#choose(sequence, place))) {
        const joined = this.#writing.length;
        await this.#slots.copy(place, joined);
        sequence.place = joined;
        this.#writing.push(sequence);
        this.#arranged = false;
      }
    } catch (error) {
      this.#fail(request, error);
    }
    this.#reading = undefined;
  }

  /** Brings what is known of a prompt's beginning. @returns whether it is all there */
  async #recall(sequence: Sequence, until: number): Promise<boolean> {
    const { prefix, place } = sequence;
    if (prefix === undefined || prefix.found.length === 0) return true;
    this.#deliver();
    const done = await this.#prefixes!.load(prefix, place, () => performance.now() >= until);
    if (done) {
      sequence.known = this.#slots.lengths[place]!;
      this.#counts.known += sequence.known;
    }
    return done;
  }

  /** @returns whether it was the last */
  async #readPiece(sequence: Sequence, until: number): Promise<boolean> {
    const { request, place, prefix } = sequence;
    const { reader } = request;
    const start = this.#slots.lengths[place]!;
    const end = Math.min(reader.length, start + this.#pace.size(until - performance.now()));
    const variant = await this.#variant([sequence]);
    const from = performance.now();
    await this.#stepper.readPiece(place, reader.piece(start, end), variant, () => this.#deliver());
    if (prefix !== undefined && !request.givenUp) await this.#prefixes!.keep(prefix, place, []);
    this.#pace.sawPiece(end - start, performance.now() - from);
    this.#counts.read += end - start;
    return end === reader.length;
  }

  /** The program for rows, told which adapter each of them has. */
  async #variant(rows: readonly Sequence[]): Promise<Variant> {
    if (rows.every(({ request }) => request.adapter === undefined)) return this.#base;
    if (!this.#arranged) {
      const places = this.#writing.map(({ request }) => request.adapter);
      const reading = this.#reading;
      if (reading !== undefined) {
        while (places.length < reading.place) places.push(undefined);
        places[reading.place] = reading.request.adapter;
      }
      await this.#bank.arrange(places);
      this.#arranged = true;
    }
    return this.#bank.variant;
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
      await this.#stepper.step(count, this.#latest, await this.#variant(writing), () => this.#deliver());
    } catch (error) {
      for (const { request } of writing) this.#fail(request, error);
      return;
    }
    this.#counts.steps++;
    const ended: number[] = [];
    for (let place = 0; place < count; place++) {
      const sequence = writing[place]!;
      const { request, prefix } = sequence;
      if (request.givenUp) continue;
      try {
        if (prefix !== undefined) await this.#prefixes!.keep(prefix, place, sequence.tokens);
        if (await this.#choose(sequence, place)) ended.push(place);
      } catch (error) {
        this.#fail(request, error);
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
    const end = this.#writing.length - 1;
    if (place < end) {
      await this.#slots.copy(end, place);
      const last = this.#writing[end]!;
      this.#writing[place] = last;
      last.place = place;
    }
    this.#writing.pop();
    this.#arranged = false;
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
    await this.#bank.dispose();
    this.#prefixes?.dispose();
    this.#slots.dispose();
    this.#slots.program.lease.end();
  }
}
