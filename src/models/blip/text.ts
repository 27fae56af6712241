// B batch, T tokens, S tokens of what is attended to, D width, N heads, K width of a head, V vocabulary
import { add, gather, reshape, tap, type Tensor } from '../../graph/index.ts';
import {
  activate,
  attend,
  causalMask,
  Dropout,
  Embedding,
  initializers,
  type KeyValueCache,
  LayerNorm,
  mergeHeads,
  Module,
  paddingMask,
  splitHeads,
} from '../../nn/index.ts';
import { BertHeads, BertOutput } from '../common/bert-parts.ts';
import { Dense, QueryKeyValue } from '../common/dense.ts';
import { type EncoderOutput, firstPositions } from '../common/tower.ts';
import { type BlipTextConfig, checkTied } from './config.ts';

const initializer = initializers.normal(0.02);

/** Keys and values of one layer's cross-attention, [B, N, S, K] each. */
export interface CrossContext {
  readonly key: Tensor;
  readonly value: Tensor;
}

/** Self-attention of a block: with all tokens at once, or over a cache. */
type SelfAttention = (layer: BlipTextLayer, x: Tensor) => Tensor;

class BlipTextEmbeddings extends Module {
  readonly word_embeddings: Embedding;
  readonly position_embeddings: Embedding;
  readonly LayerNorm: LayerNorm;
  readonly #dropout: Dropout;

  constructor({ vocabularySize, maxLength, width, normEpsilon, dropout }: BlipTextConfig) {
    super();
    this.word_embeddings = new Embedding(vocabularySize, width, { initializer });
    this.position_embeddings = new Embedding(maxLength, width, { initializer });
    this.LayerNorm = new LayerNorm(width, normEpsilon);
    this.#dropout = new Dropout(dropout);
  }

  /**
   * @param words embeddings of tokens [B, T, D]
   * @param positions [B, T] int64; by default 0 to T − 1
   * @returns [B, T, D]
   */
  forward(words: Tensor, positions?: Tensor): Tensor {
    const table = this.position_embeddings;
    const placed = positions === undefined ? firstPositions(table.weight, words) : table.forward(positions);
    return this.#dropout.forward(this.LayerNorm.forward(add(words, placed)));
  }
}

class BlipTextAttention extends Module {
  readonly self: QueryKeyValue;
  readonly output: BertOutput;
  readonly #heads: number;
  readonly #headWidth: number;

  /** @param context width of what is attended to */
  constructor(config: BlipTextConfig, context: number = config.width) {
    super();
    this.self = new QueryKeyValue(config.width, config.heads, { context });
    this.output = new BertOutput(config.width, config);
    this.#heads = config.heads;
    this.#headWidth = config.width / config.heads;
  }

  /** @param x [B, T, D]  @param mask added to attention scores  @returns [B, T, D] */
  forward(x: Tensor, mask?: Tensor): Tensor {
    return this.output.forward(this.self.forward(x, x, mask), x);
  }

  /** Self-attention over a cache, which is causal. @param x [B, T, D]  @returns [B, T, D] */
  forwardCached(x: Tensor, cache: KeyValueCache): Tensor {
    const { query, key, value } = this.self;
    const attended = cache.attend(query.forward(x), key.forward(x), value.forward(x), {
      heads: this.#heads,
      keyValueHeads: this.#heads,
      headWidth: this.#headWidth,
      rotary: false,
    });
    return this.output.forward(attended, x);
  }

  /** Keys and values of what is attended to. @param states [B, S, ·] */
  context(states: Tensor): CrossContext {
    const { key, value } = this.self;
    return { key: splitHeads(key.forward(states), this.#heads), value: splitHeads(value.forward(states), this.#heads) };
  }

  /** @param x [B, T, D]  @returns [B, T, D] */
  forwardCross(x: Tensor, { key, value }: CrossContext): Tensor {
    const query = splitHeads(this.self.query.forward(x), this.#heads);
    return this.output.forward(mergeHeads(attend(query, key, value)), x);
  }
}

class BlipTextLayer extends Module {
  readonly attention: BlipTextAttention;
  readonly crossattention: BlipTextAttention;
  readonly intermediate: Dense;
  readonly output: BertOutput;
  readonly #config: BlipTextConfig;

  constructor(config: BlipTextConfig, context: number) {
    super();
    this.attention = new BlipTextAttention(config);
    this.crossattention = new BlipTextAttention(config, context);
    this.intermediate = new Dense(config.width, config.hidden);
    this.output = new BertOutput(config.hidden, config);
    this.#config = config;
  }

  /** @param x [B, T, D]  @param cross left out where a text stands by itself  @returns [B, T, D] */
  forward(x: Tensor, self: SelfAttention, cross?: CrossContext): Tensor {
    const attended = self(this, x);
    if (cross !== undefined) tap('crossattention.keys', cross.key);
    const informed = cross === undefined ? attended : this.crossattention.forwardCross(attended, cross);
    const hidden = activate(this.intermediate.forward(informed), this.#config.activation);
    return tap('state', this.output.forward(hidden, informed));
  }
}

class BlipTextLayers extends Module {
  readonly layer: readonly BlipTextLayer[];

  constructor(config: BlipTextConfig, context: number) {
    super();
    this.layer = Array.from({ length: config.layers }, () => new BlipTextLayer(config, context));
  }

  /** @param x [B, T, D]  @param cross for each layer  @returns `x` and what comes out of each block */
  forward(x: Tensor, self: SelfAttention, cross?: readonly CrossContext[]): Tensor[] {
    const states = [x];
    for (const [i, layer] of this.layer.entries()) states.push(layer.forward(states.at(-1)!, self, cross?.[i]));
    return states;
  }
}

/** BERT with attention to other states in every layer (Li et al. 2022, arXiv 2201.12086, section 3.1). */
export class BlipTextModel extends Module {
  readonly embeddings: BlipTextEmbeddings;
  readonly encoder: BlipTextLayers;
  readonly config: BlipTextConfig;

  /** @param context width of what is attended to */
  constructor(config: BlipTextConfig, context: number) {
    super();
    this.embeddings = new BlipTextEmbeddings(config);
    this.encoder = new BlipTextLayers(config, context);
    this.config = config;
  }

  /** @param ids [B, T] int64  @returns [B, T, D], without positions */
  embed(ids: Tensor): Tensor {
    return this.embeddings.word_embeddings.forward(ids);
  }

  /** Keys and values of each layer's cross-attention. @param states [B, S, ·] */
  contexts(states: Tensor): CrossContext[] {
    return this.encoder.layer.map((layer) => layer.crossattention.context(states));
  }

  /**
   * All tokens at once.
   * @param words embeddings of tokens [B, T, D]  @param cross left out where a text stands by itself
   * @param mask added to the scores of self-attention
   */
  forward(words: Tensor, cross?: readonly CrossContext[], mask?: Tensor): EncoderOutput {
    return this.#run(this.embeddings.forward(words), (layer, x) => layer.attention.forward(x, mask), cross);
  }

  /**
   * New tokens after those of the cache.
   * @param words embeddings of tokens [B, T, D]  @param positions [B, T] int64
   */
  forwardCached(
    words: Tensor,
    positions: Tensor | undefined,
    cache: KeyValueCache,
    cross: readonly CrossContext[],
  ): EncoderOutput {
    const placed = this.embeddings.forward(words, positions);
    return this.#run(placed, (layer, x) => layer.attention.forwardCached(x, cache), cross);
  }

  #run(placed: Tensor, self: SelfAttention, cross?: readonly CrossContext[]): EncoderOutput {
    const states = this.encoder.forward(tap('embeddings', placed), self, cross);
    return { lastHiddenState: states.at(-1)!, pooled: undefined, states };
  }

  /** Texts in both directions. @param ids [B, T] int64  @param keep [B, T], 1 where a token is real; all by default */
  encode(ids: Tensor, cross?: readonly CrossContext[], keep?: Tensor): EncoderOutput {
    return this.forward(this.embed(ids), cross, keep === undefined ? undefined : paddingMask(keep));
  }
}

/** A {@link BlipTextModel} that writes: each token sees those before it, and the output weights are the embedding. */
export class BlipTextDecoder extends Module {
  readonly bert: BlipTextModel;
  readonly cls: BertHeads;

  /** @throws CheckpointError when the output weights are not the embedding */
  constructor(config: BlipTextConfig, context: number) {
    super();
    checkTied(config);
    this.bert = new BlipTextModel(config, context);
    this.cls = new BertHeads(config);
  }

  /** @param ids [B, T] int64  @returns logits [B, T, V] */
  forward(ids: Tensor, cross: readonly CrossContext[]): Tensor {
    const { lastHiddenState } = this.bert.forward(this.bert.embed(ids), cross, causalMask(ids.shape[1] as number));
    return this.#logits(lastHiddenState);
  }

  /**
   * Logits of one token in each row, over a cache.
   * @param words [B, T, D]  @param chosen [B] int64: which of the B · T tokens  @param positions [1, B, T] int64
   * @returns [B, V]
   */
  forwardCached(
    words: Tensor,
    chosen: Tensor,
    cache: KeyValueCache,
    positions: Tensor | undefined,
    cross: readonly CrossContext[],
  ): Tensor {
    const [batch, length] = words.shape;
    const flat = positions === undefined ? undefined : reshape(positions, [batch!, length!]);
    const { lastHiddenState } = this.bert.forwardCached(words, flat, cache, cross);
    return this.#logits(gather(reshape(lastHiddenState, [-1, this.bert.config.width]), chosen));
  }

  /** @param states [..., D]  @returns [..., V] */
  #logits(states: Tensor): Tensor {
    return this.cls.predictions.forward(states, this.bert.embeddings.word_embeddings.weight.tensor);
  }
}
