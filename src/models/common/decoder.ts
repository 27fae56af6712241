// B batch, T tokens, C chosen tokens, D width, V vocabulary
import { add, gather, linear, tap, type Tensor, unsqueeze } from '../../graph/index.ts';
import {
  causalMask,
  chosenTokens,
  Embedding,
  GatedMlp,
  GroupedQueryAttention,
  type KeyValueCache,
  Linear,
  Module,
  recomputable,
  RMSNorm,
  type Rotary,
  type RotaryConfig,
  rotaryTables,
} from '../../nn/index.ts';
import type { GenerationShape, Reading, ReadingModel } from './generating.ts';
import { placeFeatures } from './image-text.ts';

/** A decoder of Llama's family: rotary positions, RMS norms before each part, gated feed-forward parts. */
export interface DecoderConfig {
  readonly vocabularySize: number;
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headWidth: number;
  /** Width of the feed-forward part. */
  readonly hidden: number;
  readonly normEpsilon: number;
  readonly rotary: RotaryConfig;
  /** Longest text in tokens. */
  readonly maxLength: number;
  /** Whether the output layer is the embedding. */
  readonly tied: boolean;
  readonly attentionBias?: boolean;
  readonly outputBias?: boolean;
  readonly mlpBias?: boolean;
  /** Whether each head of queries and keys is normalised. */
  readonly headNorm?: boolean;
}

class DecoderLayer extends Module {
  readonly self_attn: GroupedQueryAttention;
  readonly mlp: GatedMlp;
  readonly input_layernorm: RMSNorm;
  readonly post_attention_layernorm: RMSNorm;

  constructor(config: DecoderConfig) {
    super();
    const { width, normEpsilon, attentionBias = false, outputBias = false, headNorm = false } = config;
    this.self_attn = new GroupedQueryAttention({
      width,
      heads: config.heads,
      keyValueHeads: config.keyValueHeads,
      headWidth: config.headWidth,
      bias: attentionBias,
      outputBias,
      ...(headNorm ? { headNorm: normEpsilon } : {}),
    });
    this.mlp = new GatedMlp(width, config.hidden, { bias: config.mlpBias ?? false });
    this.input_layernorm = new RMSNorm(width, normEpsilon);
    this.post_attention_layernorm = new RMSNorm(width, normEpsilon);
  }

  /**
   * @param x [B, T, D]  @param attend self-attention of normalised states, [B, T, D] or [C, D] of the chosen tokens
   * @returns [B, T, D], or [C, D] of the chosen tokens
   */
  forward(x: Tensor, attend: (normed: Tensor) => Tensor, chosen?: Tensor): Tensor {
    const attended = add(chosen === undefined ? x : chosenTokens(x, chosen), attend(this.input_layernorm.forward(x)));
    return add(attended, this.mlp.forward(this.post_attention_layernorm.forward(attended)));
  }
}

/** The stack of layers between token embeddings and the output layer. Each layer's result is named `state`. */
export class Decoder extends Module {
  readonly embed_tokens: Embedding;
  readonly layers: readonly DecoderLayer[];
  readonly norm: RMSNorm;
  readonly config: DecoderConfig;

  constructor(config: DecoderConfig) {
    super();
    this.embed_tokens = new Embedding(config.vocabularySize, config.width);
    this.layers = Array.from({ length: config.layers }, () => new DecoderLayer(config));
    this.norm = new RMSNorm(config.width, config.normEpsilon);
    this.config = config;
  }

  /**
   * All tokens at once, as in training.
   * @param x embeddings [B, T, D]  @param mask added to the scores; causal by default
   * @param rotary by default positions 0 to T − 1, with T known while tracing
   * @param chosen [C] int64: which of the B · T tokens are wanted; all unless given. Of the others the last layer computes
   *   keys and values only
   * @returns [B, T, D], or [C, D] of the chosen tokens
   */
  forward(x: Tensor, mask?: Tensor, rotary?: Rotary, chosen?: Tensor): Tensor {
    const length = x.shape[1] as number;
    const tables = rotary ?? rotaryTables(length, this.config.headWidth, this.config.rotary);
    const allowed = mask ?? causalMask(length);
    return this.#run(x, (layer, normed, only) => layer.self_attn.forward(normed, tables, allowed, only), chosen);
  }

  /**
   * New tokens after those of the cache.
   * @param x embeddings [B, T, D]  @param rotary [B, T, 1, K] each; by default tokens turn by their place in the cache
   * @returns [B, T, D]
   */
  forwardCached(x: Tensor, cache: KeyValueCache, rotary?: Rotary): Tensor {
    return this.#run(x, (layer, normed) => layer.self_attn.forwardCached(normed, cache, rotary));
  }

  #run(x: Tensor, attend: (layer: DecoderLayer, normed: Tensor, only?: Tensor) => Tensor, chosen?: Tensor): Tensor {
    const last = this.layers.reduce((state, layer, i) => {
      const only = i === this.layers.length - 1 ? chosen : undefined;
      const body = (): Tensor => layer.forward(state, (normed) => attend(layer, normed, only), only);
      return tap(`layers.${i}.state`, recomputable('layer', [state], body));
    }, x);
    return this.norm.forward(last);
  }
}

/** A decoder with its output layer: the next token's logits. */
export class CausalLM extends Module implements ReadingModel {
  readonly model: Decoder;
  readonly lm_head: Linear | undefined;

  constructor(config: DecoderConfig) {
    super();
    this.model = new Decoder(config);
    this.lm_head = config.tied
      ? undefined
      : new Linear(config.width, config.vocabularySize, { bias: false, hidden: false });
  }

  get generation(): GenerationShape {
    return decoderGeneration(this.model.config);
  }

  /** @param ids [B, T] int64  @returns [B, T, D] */
  embed(ids: Tensor): Tensor {
    return this.model.embed_tokens.forward(ids);
  }

  /** @param ids [B, T] int64  @param mask added to the scores; causal by default  @returns logits [B, T, V] */
  forward(ids: Tensor, mask?: Tensor): Tensor {
    return this.logits(this.model.forward(this.embed(ids), mask));
  }

  /**
   * Reads texts, with pictures or without. What goes into the decoder is named `embeddings`, what comes out of it `states`.
   * @param ids [B, T] int64, T known while tracing
   * @returns logits [B, T, V], or [C, V] of the chosen tokens
   */
  read(ids: Tensor, reading: Reading = {}): Tensor {
    return this.logits(this.states(ids, reading));
  }

  /** As `read`, before the output layer. @returns [B, T, D], or [C, D] of the chosen tokens */
  states(ids: Tensor, { features, places, mask, positions, chosen }: Reading = {}): Tensor {
    const words = this.embed(ids);
    const embedded =
      features === undefined || places === undefined ? words : placeFeatures(words, tap('features', features), places);
    const { headWidth, rotary } = this.model.config;
    const turned =
      positions === undefined
        ? undefined
        : rotaryAt(positions, rotaryTables(ids.shape[1] as number, headWidth, rotary));
    return tap('states', this.model.forward(tap('embeddings', embedded), mask, turned, chosen));
  }

  /**
   * Logits of one token in each row, over a cache.
   * @param embeddings [B, T, D]  @param chosen [B] int64: which of the B · T tokens  @returns [B, V]
   */
  forwardCached(embeddings: Tensor, chosen: Tensor, cache: KeyValueCache): Tensor {
    const states = this.model.forwardCached(embeddings, cache);
    return this.logits(chosenTokens(states, chosen));
  }

  /** @param states [..., D]  @returns [..., V] */
  logits(states: Tensor): Tensor {
    return this.lm_head === undefined
      ? linear(states, this.model.embed_tokens.weight.tensor)
      : this.lm_head.forward(states);
  }
}

/** What generation needs to know of a decoder. */
export function decoderGeneration(config: DecoderConfig): GenerationShape {
  const { vocabularySize, width, maxLength, headWidth, rotary } = config;
  return { vocabularySize, width, maxLength, rotary: { headWidth, config: rotary }, positionAxes: 0 };
}

/** Tables where each row has positions of its own. @param positions [B, T] int64  @returns [B, 1, T, K] each */
function rotaryAt(positions: Tensor, { cosines, sines, pairs }: Rotary): Rotary {
  const rows = (table: Tensor): Tensor => gather(table, positions);
  const perHead = (table: Tensor): Tensor => unsqueeze(rows(table), 1);
  return {
    cosines: perHead(cosines),
    sines: perHead(sines),
    pairs: pairs && { cosines: rows(pairs.cosines), sines: rows(pairs.sines) },
  };
}
