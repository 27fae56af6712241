// B batch, T tokens, D width, V vocabulary
import { CheckpointError } from '../../core/index.ts';
import { add, select, slice, tanh, tap, type Tensor } from '../../graph/index.ts';
import type { NamingRules } from '../../hub/index.ts';
import { activate, Dropout, Embedding, initializers, LayerNorm, Module, paddingMask } from '../../nn/index.ts';
import { BertHeads, BertOutput } from '../common/bert-parts.ts';
import { Dense, QueryKeyValue } from '../common/dense.ts';
import type { TextEncoder } from '../common/text.ts';
import { type EncoderOutput, firstPositions } from '../common/tower.ts';
import type { BertConfig } from './config.ts';

const initializer = initializers.normal(0.02);

class BertEmbeddings extends Module {
  readonly word_embeddings: Embedding;
  readonly position_embeddings: Embedding;
  readonly token_type_embeddings: Embedding;
  readonly LayerNorm: LayerNorm;
  readonly #dropout: Dropout;

  constructor({ vocabularySize, maxLength, tokenTypes, width, normEpsilon, dropout }: BertConfig) {
    super();
    this.word_embeddings = new Embedding(vocabularySize, width, { initializer });
    this.position_embeddings = new Embedding(maxLength, width, { initializer });
    this.token_type_embeddings = new Embedding(tokenTypes, width, { initializer });
    this.LayerNorm = new LayerNorm(width, normEpsilon);
    this.#dropout = new Dropout(dropout);
  }

  /** @param ids [B, T] int64  @param types [B, T] int64, all 0 by default  @returns [B, T, D] */
  forward(ids: Tensor, types?: Tensor): Tensor {
    const kinds = this.token_type_embeddings;
    const kind = types === undefined ? slice(kinds.weight.tensor, 0, 0, 1) : kinds.forward(types);
    const words = add(this.word_embeddings.forward(ids), kind);
    const placed = add(words, firstPositions(this.position_embeddings.weight, ids));
    return this.#dropout.forward(this.LayerNorm.forward(placed));
  }
}

class BertAttention extends Module {
  readonly self: QueryKeyValue;
  readonly output: BertOutput;

  constructor(config: BertConfig) {
    super();
    this.self = new QueryKeyValue(config.width, config.heads);
    this.output = new BertOutput(config.width, config);
  }

  /** @param x [B, T, D]  @param mask added to attention scores  @returns [B, T, D] */
  forward(x: Tensor, mask?: Tensor): Tensor {
    return this.output.forward(this.self.forward(x, x, mask), x);
  }
}

class BertLayer extends Module {
  readonly attention: BertAttention;
  readonly intermediate: Dense;
  readonly output: BertOutput;
  readonly #config: BertConfig;

  constructor(config: BertConfig) {
    super();
    this.attention = new BertAttention(config);
    this.intermediate = new Dense(config.width, config.hidden);
    this.output = new BertOutput(config.hidden, config);
    this.#config = config;
  }

  /** @param x [B, T, D]  @param mask added to attention scores  @returns [B, T, D] */
  forward(x: Tensor, mask?: Tensor): Tensor {
    const attended = this.attention.forward(x, mask);
    const hidden = activate(this.intermediate.forward(attended), this.#config.activation);
    return tap('state', this.output.forward(hidden, attended));
  }
}

class BertEncoder extends Module {
  readonly layer: readonly BertLayer[];

  constructor(config: BertConfig) {
    super();
    this.layer = Array.from({ length: config.layers }, () => new BertLayer(config));
  }

  /** @param x [B, T, D]  @returns `x` and what comes out of each block */
  forward(x: Tensor, mask?: Tensor): Tensor[] {
    const states = [x];
    for (const layer of this.layer) states.push(layer.forward(states.at(-1)!, mask));
    return states;
  }
}

/** A text encoder that normalises after adding (Devlin et al. 2019, arXiv 1810.04805). */
export class Bert extends Module implements TextEncoder {
  readonly embeddings: BertEmbeddings;
  readonly encoder: BertEncoder;
  readonly pooler: Dense | undefined;
  readonly config: BertConfig;

  /** @param options.pooler whether there is a layer that makes one vector of the first token */
  constructor(config: BertConfig, options: { pooler?: boolean } = {}) {
    super();
    this.embeddings = new BertEmbeddings(config);
    this.encoder = new BertEncoder(config);
    this.pooler = options.pooler === true ? new Dense(config.width, config.width) : undefined;
    this.config = config;
  }

  get width(): number {
    return this.config.width;
  }

  /**
   * @param ids [B, T] int64
   * @param keep [B, T], 1 where a token is real; all by default
   * @param types [B, T] int64, the kind of each token; all 0 by default
   */
  forward(ids: Tensor, keep?: Tensor, types?: Tensor): EncoderOutput {
    const mask = keep === undefined ? undefined : paddingMask(keep);
    const states = this.encoder.forward(tap('embeddings', this.embeddings.forward(ids, types)), mask);
    const lastHiddenState = states.at(-1)!;
    const pooled = this.pooler && tanh(this.pooler.forward(select(lastHiddenState, 1, 0)));
    return { lastHiddenState, pooled, states };
  }

  encode(ids: Tensor, keep: Tensor): Tensor {
    return this.forward(ids, keep).lastHiddenState;
  }
}

/** A {@link Bert} that guesses hidden tokens; its output weights are its embedding. */
export class BertForMaskedLM extends Module {
  readonly bert: Bert;
  readonly cls: BertHeads;

  constructor(config: BertConfig, options: { pooler?: boolean } = {}) {
    super();
    this.bert = new Bert(config, options);
    this.cls = new BertHeads(config);
  }

  /** Arguments as {@link Bert.forward} has them. @returns what the encoder gives, and logits [B, T, V] */
  forward(ids: Tensor, keep?: Tensor, types?: Tensor): EncoderOutput & { readonly logits: Tensor } {
    const encoded = this.bert.forward(ids, keep, types);
    const words = this.bert.embeddings.word_embeddings.weight.tensor;
    return { ...encoded, logits: this.cls.predictions.forward(encoded.lastHiddenState, words) };
  }
}

/**
 * For either model. Files converted from TensorFlow call a norm's scale gamma and its bias beta; older ones hold the
 * positions' numbers and, once more, the output weights that are the embedding.
 */
export const bertNames: NamingRules = {
  prefix: 'bert.',
  renamed: [
    [/LayerNorm\.gamma$/, 'LayerNorm.weight'],
    [/LayerNorm\.beta$/, 'LayerNorm.bias'],
  ],
  ignored: [
    /(^|\.)embeddings\.(position_ids|token_type_ids)$/,
    /^cls\.predictions\.decoder\.(weight|bias)$/,
    /^cls\.seq_relationship\.(weight|bias)$/,
  ],
};

/** For the encoder alone, from a file with any head. */
export const bertEncoderNames: NamingRules = {
  ...bertNames,
  ignored: [
    ...bertNames.ignored!,
    /^cls\./,
    /^(classifier|qa_outputs)\.(weight|bias)$/,
    /^pooler\.dense\.(weight|bias)$/,
  ],
};

/**
 * The model that a file holds: with a masked-language head and a pooler where it has them.
 * @param names of all tensors
 * @throws CheckpointError when the head has output weights of its own
 */
export function createBert(config: BertConfig, names: Iterable<string>): Bert | BertForMaskedLM {
  const all = new Set(names);
  const pooler = all.has('pooler.dense.weight') || all.has('bert.pooler.dense.weight');
  if (!all.has('cls.predictions.transform.dense.weight')) return new Bert(config, { pooler });
  if (!config.tied) {
    throw new CheckpointError(
      'a masked-language head with output weights of its own (tie_word_embeddings is false) is not supported',
      'use a checkpoint whose head shares the embedding',
    );
  }
  return new BertForMaskedLM(config, { pooler });
}
