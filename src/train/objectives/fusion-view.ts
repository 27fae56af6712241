// B pictures, K texts per picture, T tokens, A width of the shared space
import { GraphError } from '../../core/index.ts';
import { concat, slice, type Tensor } from '../../graph/index.ts';
import type { Module } from '../../nn/index.ts';

/** Encoded texts. */
export interface TextFeatures {
  /** [B·K, T, D] */
  readonly text: Tensor;
  /** [B·K, T], 1 where a token is real */
  readonly keep: Tensor;
}

/** Encoded pictures and texts about them. */
export interface PairFeatures extends TextFeatures {
  /** [B, P, D] */
  readonly vision: Tensor;
}

/** What the objectives of two encoders and their fusion ask of a model. Parts that a model lacks are absent, or throw. */
export interface FusionNetwork extends Module {
  encodeVision(pixels: Tensor): Tensor;
  encodeText(ids: Tensor, keep: Tensor): TextFeatures;
  /** @returns logits of the answers [B·K, C] */
  classify(features: PairFeatures): Tensor;
  /** @returns logits [B·K, 2]: the text does not belong to the picture, or does */
  match?(features: PairFeatures): Tensor;
  /** @param places [B·K, M] int64, tokens that are asked for  @returns logits [B·K, M, V] */
  nameWords?(features: PairFeatures, places: Tensor): Tensor;
  /** Maps pooled features to unit vectors; absent in a model without that part. */
  readonly alignment:
    | {
        /** Width of the vectors. */
        readonly size: number;
        ofVision(features: Tensor): Tensor;
        ofText(features: Tensor, keep: Tensor): Tensor;
      }
    | undefined;
}

/** Sets of texts that a batch may hold, and the tensors they consist of: ids [B·K, T], and 1 where a token is real. */
const TEXTS = {
  statements: ['ids', 'mask'],
  descriptions: ['description_ids', 'description_mask'],
  masked: ['masked_ids', 'description_mask'],
} as const;
export type TextSet = keyof typeof TEXTS;

/** Pictures with their descriptions in the space before fusion. */
export interface AlignedPairs {
  /** [B, A], of length 1 */
  readonly vision: Tensor;
  /** [B, A], of length 1 */
  readonly text: Tensor;
}

/** A batch as a network sees it: everything is encoded once, however many objectives ask. */
export class FusionView {
  readonly network: FusionNetwork;
  /** [B, P, D] */
  readonly vision: Tensor;
  /** The same batch as the model of averaged weights sees it, where there is one. */
  readonly momentum: FusionView | undefined;
  readonly #batch: Readonly<Record<string, Tensor>>;
  readonly #texts: Readonly<Partial<Record<TextSet, TextFeatures>>>;
  #aligned: AlignedPairs | undefined;

  /** @param reads names of the tensors that the objectives read; they say which texts are encoded */
  constructor(
    network: FusionNetwork,
    batch: Readonly<Record<string, Tensor>>,
    reads: ReadonlySet<string>,
    momentum?: FusionView,
  ) {
    this.network = network;
    this.momentum = momentum;
    this.#batch = batch;
    this.vision = network.encodeVision(this.tensor('pixels'));
    const sets = (Object.keys(TEXTS) as TextSet[]).filter((set) => reads.has(TEXTS[set][0]));
    const encoded = this.#encodeTogether(
      sets.map((set) => this.tensor(TEXTS[set][0])),
      sets.map((set) => this.tensor(TEXTS[set][1])),
    );
    this.#texts = Object.fromEntries(sets.map((set, i) => [set, encoded[i]!]));
  }

  /** @throws GraphError when the batch has no such tensor */
  tensor(name: string): Tensor {
    const tensor = this.#batch[name];
    if (tensor === undefined)
      throw new GraphError(
        `an objective reads '${name}', which the batches do not have`,
        'leave it out, or choose other data',
      );
    return tensor;
  }

  texts(set: TextSet): TextFeatures {
    return this.#texts[set]!;
  }

  /** Pictures and a set of texts, to be fused. */
  pairs(set: TextSet): PairFeatures {
    return { vision: this.vision, ...this.texts(set) };
  }

  /** @throws GraphError for a model without that part */
  get alignment(): NonNullable<FusionNetwork['alignment']> {
    const { alignment } = this.network;
    if (alignment === undefined)
      throw new GraphError('an objective compares before fusion, and the model has no alignment space', 'give it one');
    return alignment;
  }

  /** Pictures and their descriptions before fusion. */
  get aligned(): AlignedPairs {
    const { text, keep } = this.texts('descriptions');
    this.#aligned ??= { vision: this.alignment.ofVision(this.vision), text: this.alignment.ofText(text, keep) };
    return this.#aligned;
  }

  /** @returns logits [N, 2] @throws GraphError for a model without that part */
  match(pairs: PairFeatures): Tensor {
    if (this.network.match === undefined) throw new GraphError('the model cannot match pictures with texts');
    return this.network.match(pairs);
  }

  /** Words that are hidden in the masked descriptions. @returns logits [B, M, V]  @throws GraphError for a model without that part */
  nameWords(places: Tensor): Tensor {
    if (this.network.nameWords === undefined) throw new GraphError('the model cannot name hidden words');
    return this.network.nameWords(this.pairs('masked'), places);
  }

  /** Several sets of texts through the encoder at once; texts of one length in one pass. */
  #encodeTogether(ids: readonly Tensor[], masks: readonly Tensor[]): TextFeatures[] {
    if (ids.length === 1 || ids.some((tensor) => tensor.shape[1] !== ids[0]!.shape[1]))
      return ids.map((tensor, i) => this.network.encodeText(tensor, masks[i]!));
    const { text, keep } = this.network.encodeText(concat(ids, 0), concat(masks, 0));
    let start = 0;
    return ids.map(({ shape }) => {
      const end = start + (shape[0] as number);
      const rows = { text: slice(text, 0, start, end), keep: slice(keep, 0, start, end) };
      start = end;
      return rows;
    });
  }
}
