import { DataError, hostTensor, type HostTensor, joinRows } from '../../core/index.ts';
import {
  type Batch,
  type Dataset,
  type Position,
  type Sample,
  sampleRandom,
  type SampleSource,
  shuffledOrder,
} from '../../data/index.ts';
import { IGNORED } from '../../train/index.ts';
import { type ConversationReader, type EncodedSample, encodeSample } from './encode.ts';
import { LookFinder, squaresOf } from './looking.ts';
import { type MatchingShape, matchingTensors } from './matching.ts';
import { regionWords, type RegionWordsShape } from './region-words.ts';
import { splitTokens } from './split-tokens.ts';
import { packSamples, type PackOptions, placeSamples, sizeOf } from './pack.ts';

/** How samples become batches. */
export interface ConversationShape extends Omit<PackOptions, 'rows'> {
  /** What matching objectives read; absent without such objectives. */
  readonly matching?: (MatchingShape & { readonly endToken: number }) | undefined;
  /** What the objective of words reads; absent without it. */
  readonly words?: RegionWordsShape | undefined;
  /** Part of the conversations whose answers are written in smaller tokens; none unless told. The reader has to know of joins. */
  readonly splitTokens?: number;
  /** Squares of features on a side of a picture, for the objective of looking; absent without it. */
  readonly looking?: number | undefined;
  /** Squares of features on a side, where these are told the first attribute of what they show; absent without that objective. */
  readonly kinds?: number | undefined;
}

/** Which samples share a row: indexes into the source, each sample once. Without it every sample has a row of its own. */
export type RowPlan = readonly (readonly number[])[];

/**
 * Conversations packed into rows: an element is a row. Where a sample has a row of its own, conversations that do not fit
 * into it are left out, which is for sources that make as many as there is room for.
 */
export class ConversationDataset implements Dataset {
  readonly length: number;
  readonly #source: SampleSource;
  readonly #reader: ConversationReader;
  readonly #shape: ConversationShape;
  readonly #plan: RowPlan | undefined;

  constructor(source: SampleSource, reader: ConversationReader, shape: ConversationShape, plan?: RowPlan) {
    this.#source = source;
    this.#reader = reader;
    this.#shape = shape;
    this.#plan = plan;
    this.length = plan?.length ?? source.length;
  }

  async batch({ seed, epoch, index }: Position, size: number): Promise<Batch> {
    const order = shuffledOrder(this.length, seed, epoch).subarray(index, index + size);
    const rows = Array.from(order, (row) => this.#plan?.[row] ?? [row]);
    const samples: Sample[] = [];
    const numbers = rows.flat();
    for (const number of numbers) samples.push(await this.#source.sample(number, { seed, epoch }));
    const encoded: EncodedSample[] = [];
    const { imageToken, matching, words, looking, kinds } = this.#shape;
    for (const [i, sample] of samples.entries()) {
      const one = this.#withSmallTokens(await encodeSample(sample, this.#reader), { seed, epoch, index: numbers[i]! });
      encoded.push(looking === undefined ? one : this.#withLooks(one, sample));
    }
    const sizes = encoded.map((sample) => sizeOf(sample, imageToken));
    let first = 0;
    const placements = rows.flatMap((row, number) => {
      const start = first;
      first += row.length;
      const placed = placeSamples(sizes.slice(start, first), { ...this.#shape, rows: 1 }, this.#plan !== undefined);
      if (this.#plan !== undefined && placed.length < row.length)
        throw this.#overlong(samples.slice(start, first), sizes.slice(start, first));
      return placed.map((placement) => ({ ...placement, sample: placement.sample + start, row: number }));
    });
    const squares =
      looking === undefined
        ? undefined
        : samples.map(({ regions = [] }) => regions.map(({ box }) => squaresOf(box, looking)));
    const packed = packSamples(encoded, sizes, placements, { ...this.#shape, rows: rows.length, squares });
    return {
      ids: samples.map(({ id }) => id),
      tensors: {
        ...packed,
        ...pictureTensors(
          encoded.flatMap(({ pictures }) => pictures.map(({ inputs }) => inputs)),
          this.#plan !== undefined,
        ),
        ...(matching === undefined
          ? {}
          : matchingTensors(samples, this.#reader.tokenizer, matching.endToken, matching)),
        ...(kinds === undefined ? {} : { kinds: featureKinds(samples, kinds) }),
        ...(words === undefined ? {} : { region_words: regionWords(samples, encoded, this.#reader, words) }),
      },
    };
  }

  async close(): Promise<void> {
    await this.#source.close?.();
  }

  #withSmallTokens(encoded: EncodedSample, { seed, epoch, index }: Position): EncodedSample {
    const { splitTokens: share = 0 } = this.#shape;
    if (share === 0) return encoded;
    const { joined } = this.#reader;
    if (joined === undefined)
      throw new DataError('the reader does not know what tokens are joined of', 'read it from tokenizer.json');
    const random = sampleRandom(seed, epoch, index).fork('tokens');
    const conversations = encoded.conversations.map((one) =>
      random.uniform() < share ? splitTokens(one, joined, random) : one,
    );
    return { ...encoded, conversations };
  }

  #withLooks(encoded: EncodedSample, sample: Sample): EncodedSample {
    const { tokenizer, processor } = this.#reader;
    const [height, width] = encoded.pictures[0]?.imageSize ?? [1, 1];
    const finder = new LookFinder(sample, tokenizer, (box) => processor?.grounding?.write?.(box, { width, height }));
    return { ...encoded, conversations: encoded.conversations.map((one) => ({ ...one, looks: finder.looks(one) })) };
  }

  #overlong(samples: readonly Sample[], sizes: readonly { shared: number; own: readonly number[] }[]): DataError {
    const lengths = sizes.map(({ shared, own }, i) => `${samples[i]!.id}: ${shared + Math.min(...own)} tokens`);
    return new DataError(
      `a row of ${this.#shape.length} tokens (${this.#shape.learned} learned) is too short: ${lengths.join('; ')}`,
      'raise data.length or data.learned, shorten the sample or leave it out',
    );
  }
}

/** @param samples each of one picture of `side` × `side` features  @returns [F]: the kind of what each feature shows, or −100 */
function featureKinds(samples: readonly Sample[], side: number): HostTensor<'int64'> {
  const count = samples.length * side ** 2;
  const kinds = hostTensor('int64', [count], new BigInt64Array(count).fill(BigInt(IGNORED)));
  for (const [i, { regions = [] }] of samples.entries())
    for (const { box, attributes: [kind = -1] = [] } of regions)
      if (kind >= 0) for (const square of squaresOf(box, side)) kinds.data[i * side ** 2 + square] = BigInt(kind);
  return kinds;
}

/**
 * Inputs of all pictures, one under another.
 * @param padded whether blank ones follow, so that batches of many numbers of pictures have few shapes
 */
function pictureTensors(
  inputs: readonly Readonly<Record<string, HostTensor>>[],
  padded: boolean,
): Record<string, HostTensor> {
  const names = Object.keys(inputs[0] ?? {});
  return Object.fromEntries(
    names.map((name) => {
      const { dtype, shape, data } = joinRows(inputs.map((picture) => picture[name]!));
      const [rows, ...rest] = shape as readonly [number, ...number[]];
      const all = hostTensor(dtype, [padded ? fewShapes(rows) : rows, ...rest]);
      // Of its own memory, which a worker can give away.
      all.data.set(data as never);
      return [name, all];
    }),
  );
}

/** The next of 1, 2, 3, 4, 6, 8, 12, 16, … */
function fewShapes(count: number): number {
  const power = 2 ** Math.ceil(Math.log2(count));
  return count <= 0.75 * power ? 0.75 * power : power;
}
