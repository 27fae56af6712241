// T new tokens, S tokens before them, G key-value heads, K width of a head, F rows of features, D width
import type { LanguageModel, Message, WeightedAdapter } from '../auto/index.ts';
import { DataError, hostTensor, type HostTensor, joinRows } from '../core/index.ts';
import type { ProgramLease } from '../generate/index.ts';
import { type CacheSlot, rotaryAngles, rotaryFrequencies } from '../nn/index.ts';
import type { Value } from '../runtime/types.ts';
import { encodePicture } from './encode-picture.ts';
import { STEP, stepGraph, TABLES } from './graphs/step.ts';
import { type Grid, gridOf, normalized, onGrid } from './grid.ts';
import { OpenedModel } from './opened-model.ts';

/** Added to the scores of what must not be seen. */
const FORBIDDEN = -1e9;
/** Tokens of an answer that there is room for. */
const MOST_TOKENS = 4096;

export interface TokenMapsOptions {
  /** Which of the conversation's pictures is looked at, from 0; the last one unless told. */
  readonly picture?: number;
  /** Adapters that the answer is given with; those of the model unless told. */
  readonly adapters?: readonly WeightedAdapter[];
  readonly variables?: Readonly<Record<string, unknown>>;
}

/**
 * Where a model looks while it answers: for each token a map that is there as soon as the token is. A second program reads what was
 * written, token by token over a cache of its own, with the attention of the last layer in the open; fused attention, with
 * which answers are made, never holds it.
 */
export class TokenMaps {
  readonly grid: Grid;
  readonly #opened: OpenedModel;
  readonly #lease: ProgramLease;
  readonly #slots: readonly CacheSlot[];
  readonly #layout: Layout;
  /** Keys and values, whose first token is a placeholder that nobody sees, and the tables that turn heads. */
  #cache: Record<string, Value> = {};
  #tables: Record<string, Value> = {};
  #count = 0;
  #next: Promise<readonly number[]>;
  #disposed = false;

  private constructor(opened: OpenedModel, lease: ProgramLease, slots: readonly CacheSlot[], layout: Layout) {
    this.#opened = opened;
    this.#lease = lease;
    this.#slots = slots;
    this.#layout = layout;
    this.grid = gridOf(layout.regions);
    this.#next = this.#begin();
    // It is awaited with the first token, which may never come.
    this.#next.catch(() => undefined);
  }

  /**
   * Begins to read a conversation that ends with a question.
   * @throws DataError for a conversation without pictures, and for models that read none
   */
  static async begin(
    model: LanguageModel,
    messages: readonly Message[],
    { picture, adapters, variables }: TokenMapsOptions = {},
  ): Promise<TokenMaps> {
    const opened = OpenedModel.of(model);
    const { text, pictures } = model.written(messages, variables);
    const index = picture ?? pictures.length - 1;
    if (pictures[index] === undefined)
      throw new DataError('the conversation has no such picture to be looked at', 'give a picture with the question');
    const prepared = opened.processor.prepare(text, pictures);
    const regions = opened.processor.regions(pictures)[index]!;
    const before = prepared.pictures.slice(0, index).reduce((sum, { features }) => sum + features, 0);
    const all = [...prepared.tokens.keys()].filter((i) => prepared.tokens[i] === opened.model.imageToken);
    const layout = {
      tokens: prepared.tokens,
      regions,
      places: all.slice(before, before + regions.length),
      positions: prepared.positions,
      nextPosition: prepared.nextPosition ?? prepared.tokens.length,
    };
    let slots: readonly CacheSlot[] = [];
    return opened.queue.run(async () => {
      opened.use(adapters);
      const encoded = [];
      for (const each of prepared.pictures) encoded.push(await encodePicture(opened, each));
      const lease = await opened.lease('step', () => {
        const graph = stepGraph(opened.model);
        ({ slots } = graph);
        return graph.outputs;
      });
      if (slots.length === 0) ({ slots } = stepGraph(opened.model));
      return new TokenMaps(opened, lease, slots, { ...layout, features: joinRows(encoded) });
    });
  }

  /**
   * The map of the token that was just chosen: where the model looked before it. Weights add up to 1, over rows and columns of `grid`.
   * @throws DeviceError when the engine fails, as it does for answers of more than 4,096 tokens
   */
  async next(token: number): Promise<readonly number[]> {
    const map = await this.#next;
    if (!this.#disposed) {
      // The next map is made while the model chooses the next token.
      this.#next = this.#read([token]);
      this.#next.catch(() => undefined);
    }
    return map;
  }

  /** Frees what it holds, after the run that is under way. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    void this.#next
      .catch(() => undefined)
      .then(() => {
        for (const value of [...Object.values(this.#cache), ...Object.values(this.#tables)]) value.dispose();
        this.#lease.end();
      });
  }

  async #begin(): Promise<readonly number[]> {
    const { runtime } = this.#opened;
    for (const { input, heads, headWidth } of this.#slots)
      this.#cache[input] = await runtime.allocate('float32', [1, heads, 1, headWidth]);
    const { rotary, maxLength } = this.#opened.model.generation;
    const longest = Math.min(maxLength, this.#layout.tokens.length + MOST_TOKENS);
    if (rotary !== undefined) {
      const { cosines, sines } = rotaryAngles(longest, rotaryFrequencies(rotary.headWidth, rotary.config));
      for (const [i, table] of [cosines, sines].entries())
        this.#tables[TABLES[i]!] = await runtime.allocate('float32', table.shape, table);
    }
    return this.#read(this.#layout.tokens);
  }

  /** Reads tokens. @returns where the last of them looks */
  async #read(tokens: readonly number[]): Promise<readonly number[]> {
    const { runtime } = this.#opened;
    const inputs: Record<string, Value> = {};
    try {
      for (const [name, tensor] of Object.entries(this.#inputs(tokens)))
        inputs[name] = await runtime.allocate(tensor.dtype, tensor.shape, tensor);
      const { program, values } = this.#lease;
      const given = { ...values, ...this.#tables, ...this.#cache, ...inputs };
      const taken = Object.fromEntries(program.inputs.map(({ name }) => [name, given[name]!]));
      const { look, ...present } = await program.run(taken);
      for (const { input, output } of this.#slots) {
        this.#cache[input]!.dispose();
        this.#cache[input] = present[output]!;
      }
      this.#count += tokens.length;
      const row = (await look!.read()).data as Float32Array;
      look!.dispose();
      return this.#laidOut(row);
    } finally {
      for (const value of Object.values(inputs)) value.dispose();
    }
  }

  #inputs(tokens: readonly number[]): Record<string, HostTensor> {
    const { features, positions, nextPosition } = this.#layout;
    const count = tokens.length;
    const before = 1 + this.#count;
    const isQuestion = this.#count === 0;
    let row = count;
    const places = tokens.map((token, i) => (isQuestion && token === this.#opened.model.imageToken ? row++ : i));
    const mask = hostTensor('float32', [count, before + count]);
    for (let t = 0; t < count; t++) {
      const from = t * (before + count);
      mask.data[from] = FORBIDDEN;
      mask.data.fill(FORBIDDEN, from + before + t + 1, from + before + count);
    }
    const integers = (shape: readonly number[], values: readonly number[]): HostTensor<'int64'> =>
      hostTensor('int64', shape, BigInt64Array.from(values, BigInt));
    const axes = positions?.shape[0] ?? 0;
    const answered = nextPosition + this.#count - this.#layout.tokens.length;
    return {
      [STEP.ids]: integers([1, count], tokens),
      // A step without pictures still wants a row of features.
      [STEP.features]: isQuestion ? features : hostTensor('float32', [1, features.shape[1]!]),
      [STEP.places]: integers([1, count], places),
      [STEP.numbers]: integers(
        [count],
        tokens.map((_, i) => this.#count + i),
      ),
      [STEP.mask]: mask,
      [STEP.last]: integers([1], [count - 1]),
      ...(positions === undefined
        ? {}
        : {
            [STEP.positions]: isQuestion
              ? hostTensor('int64', [axes, 1, count], positions.data)
              : integers(
                  [axes, 1, 1],
                  Array.from({ length: axes }, () => answered),
                ),
          }),
    };
  }

  /** @param row attention to the placeholder and all tokens */
  #laidOut(row: Float32Array): readonly number[] {
    const { regions, places } = this.#layout;
    const map = onGrid(
      regions,
      places.map((place) => row[1 + place]!),
    );
    return Array.from(normalized(map).values, (value) => Number(value.toPrecision(4)));
  }
}

/** The question as it is read. */
interface Layout {
  readonly tokens: readonly number[];
  /** [F, D], of all pictures. */
  readonly features: HostTensor<'float32'>;
  /** Of the picture that is looked at, and where its image tokens stand. */
  readonly regions: Parameters<typeof gridOf>[0];
  readonly places: readonly number[];
  readonly positions: HostTensor<'int64'> | undefined;
  readonly nextPosition: number;
}
