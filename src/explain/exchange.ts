// T tokens, K tokens of the answer, F rows of features, D width, V vocabulary, N heads, L layers, A axes of positions
import { hostTensor, type HostTensor, joinRows } from '../core/index.ts';
import type { Picture } from '../data/index.ts';
import { logProbabilityOf } from '../generate/index.ts';
import { type Arrangement, type FeatureRegions, type PreparedPicture } from '../models/index.ts';
import {
  attentionGraph,
  DECODER,
  type DecoderSizes,
  relevanceGraph,
  scoreGraph,
  WORDS,
  wordGraph,
} from './graphs/decoder.ts';
import { featureGraph, PIXELS, pixelGraph, UPSTREAM } from './graphs/picture.ts';
import { encodePicture, partsOf, shapesOf } from './encode-picture.ts';
import type { OpenedModel } from './opened-model.ts';

/** Programs are made for lengths that are multiples of this; what is filled up at the end is seen by nobody. */
const LENGTH_UNIT = 32;

/** What a question and its answer are made of. */
export interface ExchangeParts {
  /** The question in the model's own form, with a marker for each picture. */
  readonly text: string;
  readonly pictures: readonly Picture[];
  /** K */
  readonly answer: readonly number[];
  /** Which of the pictures is explained. */
  readonly picture: number;
}

/** Where the tokens of the answer looked before they were chosen. */
export interface Looks {
  /** For each layer [N, K, T]. */
  readonly maps: readonly HostTensor<'float32'>[];
  /** [K, T] */
  readonly rollout: HostTensor<'float32'>;
}

/** What one token owes to the others. */
export interface Owed {
  readonly logit: number;
  /** [T] */
  readonly relevance: Float32Array;
  /** Of the explained picture's features, [F, D]. */
  readonly gradient: HostTensor<'float32'>;
}

/** A question about pictures with its answer, as the model reads both: what methods ask. */
export class Exchange {
  readonly opened: OpenedModel;
  readonly parts: ExchangeParts;
  /** Of the explained picture. */
  readonly regions: FeatureRegions;
  /** All that is read, the answer included; T without what is filled up. */
  readonly tokens: readonly number[];
  /** Index of the answer's first token. */
  readonly start: number;
  /** Places of the explained picture's image tokens, F. */
  readonly places: readonly number[];
  readonly #positions: HostTensor<'int64'> | undefined;
  readonly #nextPosition: number;
  readonly #prepared: readonly PreparedPicture[];
  /** First row of the explained picture's features among those of all pictures. */
  readonly #firstRow: number;
  /** By the pictures' numbers. */
  readonly #known = new Map<number, HostTensor<'float32'>>();

  /** @throws DataError where pictures and markers differ in number */
  constructor(opened: OpenedModel, parts: ExchangeParts) {
    this.opened = opened;
    this.parts = parts;
    const prepared = opened.processor.prepare(parts.text, parts.pictures);
    this.tokens = [...prepared.tokens, ...parts.answer];
    this.start = prepared.tokens.length;
    this.#positions = prepared.positions;
    this.#nextPosition = prepared.nextPosition ?? this.start;
    this.#prepared = prepared.pictures;
    this.regions = opened.processor.regions(parts.pictures)[parts.picture]!;
    const before = prepared.pictures.slice(0, parts.picture);
    this.#firstRow = before.reduce((sum, { features }) => sum + features, 0);
    const all = [...prepared.tokens.keys()].filter((i) => prepared.tokens[i] === opened.model.imageToken);
    this.places = all.slice(this.#firstRow, this.#firstRow + prepared.pictures[parts.picture]!.features);
  }

  get picture(): Picture {
    return this.parts.pictures[this.parts.picture]!;
  }

  /** As the picture encoder takes the explained picture, or another in its place. */
  prepared(picture: Picture = this.picture): PreparedPicture {
    if (picture === this.picture) return this.#prepared[this.parts.picture]!;
    const pictures = this.parts.pictures.map((given, i) => (i === this.parts.picture ? picture : given));
    return this.opened.processor.prepare(this.parts.text, pictures).pictures[this.parts.picture]!;
  }

  /** What the decoder is given of the explained picture, or of another in its place. @returns [F, D] */
  async features(prepared?: PreparedPicture): Promise<HostTensor<'float32'>> {
    return prepared === undefined ? this.#featuresOf(this.parts.picture) : encodePicture(this.opened, prepared);
  }

  /** Those of the conversation's pictures are made once. */
  async #featuresOf(picture: number): Promise<HostTensor<'float32'>> {
    const features = this.#known.get(picture) ?? (await encodePicture(this.opened, this.#prepared[picture]!));
    this.#known.set(picture, features);
    return features;
  }

  /** Log-probabilities of the answer's tokens, [K], with these features in the place of the picture's own. */
  async scores(features: HostTensor<'float32'>): Promise<Float64Array> {
    const sizes = this.#sizes();
    const { logits } = await this.opened.run(`score ${nameOf(sizes)}`, () => scoreGraph(this.opened.model, sizes), {
      ...(await this.#reading(sizes, features)),
      [DECODER.rows]: this.#rows(),
    });
    return this.#logProbabilities(logits!);
  }

  async looks(features: HostTensor<'float32'>): Promise<Looks> {
    const sizes = this.#sizes();
    const {
      rollout,
      logits: _,
      ...maps
    } = await this.opened.run(`attention ${nameOf(sizes)}`, () => attentionGraph(this.opened.model, sizes), {
      ...(await this.#reading(sizes, features)),
      [DECODER.rows]: this.#rows(),
    });
    const layers = Object.keys(maps).length;
    return { maps: Array.from({ length: layers }, (__, layer) => maps[`map.${layer}`]!), rollout: rollout! };
  }

  /** Log-probabilities that each feature stands for each of the answer's tokens, [F, K]; nothing where features were taught no words. */
  async words(features: HostTensor<'float32'>): Promise<HostTensor<'float32'> | undefined> {
    const { model } = this.opened;
    if (model.wordsOf === undefined) return undefined;
    const [rows, width] = features.shape as readonly [number, number];
    const { answer } = this.parts;
    const tokens = hostTensor('int64', [answer.length], BigInt64Array.from(answer, BigInt));
    const { words } = await this.opened.run(`words ${rows}`, () => wordGraph((x) => model.wordsOf!(x), rows, width), {
      [WORDS.features]: features,
      [WORDS.tokens]: tokens,
    });
    return words!;
  }

  /** What the choice of the answer's token `k` owes to all before it, as its logit has it. */
  async owed(k: number, features: HostTensor<'float32'>): Promise<Owed> {
    const { model } = this.opened;
    const sizes = this.#sizes();
    const token = this.parts.answer[k]!;
    const seed = hostTensor('float32', [1, model.generation.vocabularySize]);
    seed.data[token] = 1;
    const { logits, relevance, gradient } = await this.opened.run(
      `relevance ${nameOf(sizes)}`,
      () => relevanceGraph(model, sizes),
      {
        ...(await this.#reading(sizes, features)),
        [DECODER.rows]: hostTensor('int64', [1], BigInt64Array.of(BigInt(this.start + k - 1))),
        [DECODER.seed]: seed,
      },
    );
    const [rows, width] = features.shape as readonly [number, number];
    const own = gradient!.data.subarray(this.#firstRow * width, (this.#firstRow + rows) * width);
    return {
      logit: logits!.data[token]!,
      relevance: relevance!.data,
      gradient: hostTensor('float32', [rows, width], own),
    };
  }

  /**
   * From the gradient with respect to features to that with respect to pixels.
   * @param gradient [F, D]  @returns of each part of the picture, in the shape of its pixels
   */
  async pixelGradients(
    gradient: HostTensor<'float32'>,
    prepared: PreparedPicture = this.prepared(),
  ): Promise<{ readonly pixels: HostTensor<'float32'>; readonly gradient: HostTensor<'float32'> }[]> {
    const arrangement = this.opened.model.arrangement?.(prepared);
    const parts = partsOf(this.opened, prepared);
    const rows = featureGraph(this.opened.model, parts[0]!)['features']!.shape[0] as number;
    const width = gradient.shape[1]!;
    const upstream = arrangement === undefined ? gradient : spreadRows(gradient, arrangement, rows * parts.length);
    const results = [];
    for (const [i, part] of parts.entries()) {
      const own = upstream.data.subarray(i * rows * width, (i + 1) * rows * width);
      const { gradient: found } = await this.opened.run(
        `pixels ${shapesOf(part)}`,
        () => pixelGraph(this.opened.model, part),
        { ...part, [UPSTREAM]: hostTensor('float32', [rows, width], own) },
      );
      results.push({ pixels: part[PIXELS] as HostTensor<'float32'>, gradient: found! });
    }
    return results;
  }

  /** How the explained picture's features are made of the encoder's rows, where they are not the same. */
  get arrangement(): Arrangement | undefined {
    return this.opened.model.arrangement?.(this.prepared());
  }

  #sizes(): DecoderSizes {
    const features = this.#prepared.reduce((sum, prepared) => sum + prepared.features, 0);
    return { length: Math.ceil(this.tokens.length / LENGTH_UNIT) * LENGTH_UNIT, features };
  }

  /** The token before each of the answer's. */
  #rows(): HostTensor<'int64'> {
    const { answer } = this.parts;
    return hostTensor(
      'int64',
      [answer.length],
      BigInt64Array.from(answer, (_, k) => BigInt(this.start + k - 1)),
    );
  }

  async #reading({ length }: DecoderSizes, features: HostTensor<'float32'>): Promise<Record<string, HostTensor>> {
    const { model } = this.opened;
    const ids = hostTensor('int64', [1, length]);
    const places = hostTensor('int64', [1, length]);
    let row = length;
    for (let i = 0; i < length; i++) {
      const token = this.tokens[i] ?? 0;
      ids.data[i] = BigInt(token);
      const isPicture = i < this.start && token === model.imageToken;
      places.data[i] = BigInt(isPicture ? row++ : i);
    }
    const all: HostTensor<'float32'>[] = [];
    for (const i of this.#prepared.keys()) all.push(i === this.parts.picture ? features : await this.#featuresOf(i));
    const reading = { [DECODER.ids]: ids, [DECODER.places]: places, [DECODER.features]: joinRows(all) };
    return this.#positions === undefined
      ? reading
      : { ...reading, [DECODER.positions]: this.#allPositions(this.#positions, length) };
  }

  /** @param positions of the question, [A, ·]  @returns [A, 1, length] */
  #allPositions(positions: HostTensor<'int64'>, length: number): HostTensor<'int64'> {
    const [axes, asked] = positions.shape as readonly [number, number];
    const all = hostTensor('int64', [axes, 1, length]);
    for (let axis = 0; axis < axes; axis++)
      for (let i = 0; i < length; i++) {
        // What is filled up stands anywhere: nobody sees it.
        const next = i < this.tokens.length ? BigInt(this.#nextPosition + i - asked) : 0n;
        all.data[axis * length + i] = i < asked ? positions.data[axis * asked + i]! : next;
      }
    return all;
  }

  #logProbabilities({ shape, data }: HostTensor<'float32'>): Float64Array {
    const vocabulary = shape[1]!;
    return Float64Array.from(this.parts.answer, (token, k) =>
      logProbabilityOf(data.subarray(k * vocabulary, (k + 1) * vocabulary), token),
    );
  }
}

function nameOf({ length, features }: DecoderSizes): string {
  return `${length} ${features}`;
}

/**
 * The adjoint of an arrangement: gradients of features to those of the rows that they are made of.
 * @param total R  @returns [R, D]
 */
function spreadRows(
  gradient: HostTensor<'float32'>,
  { rows, weights }: Arrangement,
  total: number,
): HostTensor<'float32'> {
  const [count, parts] = rows.shape as readonly [number, number];
  const width = gradient.shape[1]!;
  const spread = hostTensor('float32', [total, width]);
  for (let i = 0; i < count; i++)
    for (let p = 0; p < parts; p++) {
      const weight = weights.data[i * parts + p]!;
      if (weight === 0) continue;
      const to = Number(rows.data[i * parts + p]!) * width;
      for (let d = 0; d < width; d++) spread.data[to + d]! += weight * gradient.data[i * width + d]!;
    }
  return spread;
}
