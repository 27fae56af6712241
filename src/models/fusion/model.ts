// B pictures, K texts per picture, T text tokens, P picture tokens, D width, C classes
import { GraphError } from '../../core/index.ts';
import {
  add,
  cast,
  concat,
  div,
  expand,
  fromIntegers,
  gather,
  gelu,
  l2Normalize,
  linear,
  mul,
  reduceMean,
  reduceSum,
  reshape,
  tap,
  type Tensor,
} from '../../graph/index.ts';
import {
  initializers,
  LayerNorm,
  Linear,
  Mlp,
  Module,
  MultiheadAttention,
  paddingMask,
  Parameter,
} from '../../nn/index.ts';
import { Conditioning } from './conditioned.ts';
import { createTextEncoder, type PretrainedTextConfig, type TextConfig, type TextEncoder } from '../common/text.ts';
import { createVisionEncoder, type VisionConfig, type VisionEncoder } from '../common/vision.ts';

/** What a {@link SimpleMultimodalModel} is built from. */
export interface FusionConfig {
  readonly vision: VisionConfig;
  readonly text: TextConfig | PretrainedTextConfig;
  /** Width in which the modalities meet; encoders of another width are projected to it. */
  readonly hiddenSize: number;
  readonly heads: number;
  /** 0 for a model without a classifier, as pretraining makes it. */
  readonly classes: number;
  /** Which modality asks: `text` makes queries of text tokens, `vision` of picture tokens. */
  readonly query: 'text' | 'vision';
  /** Cross-attention layers. A single bare one is the plainest form; more come with residuals and feed-forward parts. */
  readonly layers: number;
  /**
   * Whether the mean of a text's tokens asks, one query for a text, in place of every token; needs `query: 'text'`. Many short
   * questions about one picture then cost a tenth.
   */
  readonly pooledText?: boolean;
  /**
   * Layers in which picture tokens attend to one another, scaled and shifted by the text that then asks them; needs
   * `pooledText`. So a text can find what it names, and what stands in a relation to it, by products and not by attention alone.
   */
  readonly conditioned?: number;
  /** Width of the space in which pooled features are compared before fusion; 0 for none. */
  readonly alignmentSize: number;
  /** Whether there is a head that names hidden words of a text; needs `query: 'text'`. */
  readonly maskedHead?: boolean;
  /** Whether there is a head that says if a text belongs to a picture. */
  readonly matchingHead?: boolean;
}

/** Encoders of known architectures, made outside; the others are made of the config. */
export interface FusionEncoders {
  readonly vision?: VisionEncoder;
  readonly text?: TextEncoder;
}

/** Features of both modalities before they meet. */
export interface EncodedPair {
  /** [B, P, D] */
  readonly vision: Tensor;
  /** [B·K, T, D] */
  readonly text: Tensor;
  /** [B·K, T], 1 where a token is real. */
  readonly keep: Tensor;
}

/**
 * Two encoders, cross-attention between their last hidden states, masked mean pooling and a linear classifier.
 * Its attention maps are named `fusion.<layer>.attention.weights`: [B, heads, K·T, P], or [B·K, heads, P, T] where the
 * picture asks, or [B, heads, K, P] where pooled texts ask, or [B·K, heads, 1, P] where they ask tokens that they conditioned.
 */
export class SimpleMultimodalModel extends Module {
  readonly vision_encoder: VisionEncoder;
  readonly text_encoder: TextEncoder;
  readonly vision_projection: Linear | undefined;
  readonly text_projection: Linear | undefined;
  readonly conditioning: Conditioning | undefined;
  readonly fusion: readonly FusionLayer[];
  readonly alignment: Alignment | undefined;
  readonly masked_head: MaskedHead | undefined;
  readonly matching_head: Linear | undefined;
  readonly classifier: Linear | undefined;
  readonly config: FusionConfig;

  /**
   * @param encoders those that the config calls `pretrained`; their weights lie under `vision_encoder.` and `text_encoder.`
   * @throws GraphError when the config asks for one that is not given
   */
  constructor(config: FusionConfig, encoders: FusionEncoders = {}) {
    super();
    const { hiddenSize, heads, layers } = config;
    this.vision_encoder = encoders.vision ?? createVisionEncoder(config.vision);
    this.text_encoder = encoders.text ?? createTextEncoder(config.text);
    const project = (width: number): Linear | undefined =>
      width === hiddenSize ? undefined : new Linear(width, hiddenSize);
    this.vision_projection = project(this.vision_encoder.width);
    this.text_projection = project(this.text_encoder.width);
    if (config.conditioned !== undefined) this.conditioning = new Conditioning(hiddenSize, heads, config.conditioned);
    this.fusion = Array.from({ length: layers }, () => new FusionLayer(hiddenSize, heads, layers > 1));
    this.alignment = config.alignmentSize > 0 ? new Alignment(hiddenSize, config.alignmentSize) : undefined;
    const features = hiddenSize + config.alignmentSize;
    const initializer = initializers.normal(0.02);
    if (config.pooledText === true && (config.query !== 'text' || config.maskedHead === true))
      throw new GraphError('pooled texts can only ask, and have no words left to name', 'leave pooledText out');
    if (config.conditioned !== undefined && config.pooledText !== true)
      throw new GraphError('a text conditions picture tokens as a whole', 'set pooledText, or leave conditioned out');
    if (config.maskedHead === true) {
      const { words } = this.text_encoder;
      if (words === undefined || config.query !== 'text')
        throw new GraphError(
          'hidden words can only be named where text tokens ask and the text encoder shows its embedding',
          "let the text ask, with the model's own text encoder",
        );
      this.masked_head = new MaskedHead(hiddenSize, words.shape as [number, number]);
    }
    if (config.matchingHead === true) this.matching_head = new Linear(hiddenSize, 2, { initializer, hidden: false });
    if (config.classes > 0) this.classifier = new Linear(features, config.classes, { initializer, hidden: false });
    this.config = config;
  }

  /**
   * @param pixels [B, 3, H, W]
   * @param ids [B·K, T] int64; texts of one picture lie side by side
   * @param keep [B·K, T], 1 where a token is real
   * @returns logits [B·K, C]
   */
  forward(pixels: Tensor, ids: Tensor, keep: Tensor): Tensor {
    return this.classify({ vision: this.encodeVision(pixels), ...this.encodeText(ids, keep) });
  }

  /** @returns [B, P, D] */
  encodeVision(pixels: Tensor): Tensor {
    const features = this.vision_encoder.encode(pixels);
    return tap('vision', this.vision_projection === undefined ? features : this.vision_projection.forward(features));
  }

  encodeText(ids: Tensor, keep: Tensor): { text: Tensor; keep: Tensor } {
    const features = this.text_encoder.encode(ids, keep);
    return {
      text: tap('text', this.text_projection === undefined ? features : this.text_projection.forward(features)),
      keep: cast(keep, 'float32'),
    };
  }

  /** @returns logits [B·K, C]  @throws GraphError for a model without a classifier */
  classify({ vision, text, keep }: EncodedPair): Tensor {
    if (this.classifier === undefined)
      throw new GraphError('the model has no classifier yet', 'fine-tune it on questions or statements first');
    const pooled = this.#pooled(vision, text, keep);
    if (this.alignment === undefined) return this.classifier.forward(pooled);
    // Where the two modalities' summaries agree, dimension by dimension; the classifier weighs the agreement.
    const agreement = mul(
      repeatRows(this.alignment.ofVision(vision), text.shape[0]!),
      this.alignment.ofText(text, keep),
    );
    const scaled = mul(agreement, Math.sqrt(this.config.alignmentSize));
    return this.classifier.forward(concat([pooled, scaled], -1));
  }

  /** Whether each text belongs to its picture. @returns logits [B·K, 2]: no, yes */
  match({ vision, text, keep }: EncodedPair): Tensor {
    return head(this.matching_head, 'matching').forward(this.#pooled(vision, text, keep));
  }

  /**
   * What text tokens may be, the picture being seen.
   * @param places [B·K, M] int64, which tokens of each text are asked for
   * @returns logits [B·K, M, V]
   */
  nameWords({ vision, text }: EncodedPair, places: Tensor): Tensor {
    const [rows, length, width] = text.shape as number[];
    const table = reshape(this.#textStates(vision, text), [rows! * length!, width!]);
    const starts = fromIntegers(
      [rows!, 1],
      Array.from({ length: rows! }, (_, row) => row * length!),
    );
    const words = this.text_encoder.words!.tensor;
    return head(this.masked_head, 'masked').forward(gather(table, add(places, starts)), words);
  }

  /** @returns [B·K, D] */
  #pooled(vision: Tensor, text: Tensor, keep: Tensor): Tensor {
    if (this.config.pooledText === true) {
      const [rows, , width] = text.shape;
      const whole = reshape(maskedMean(text, keep), [rows!, 1, width!]);
      if (this.conditioning === undefined) return reshape(this.#textStates(vision, whole), [rows!, width!]);
      const asked = this.conditioning.norm.forward(whole);
      const tokens = this.conditioning.forward(repeatRows(vision, rows!), asked);
      return reshape(this.#textStates(tokens, asked), [rows!, width!]);
    }
    return this.config.query === 'text'
      ? maskedMean(this.#textStates(vision, text), keep)
      : this.#visionAsks(vision, text, keep);
  }

  /** The texts of one picture ask in one row, so that its keys and values are made once. @returns [B·K, T, D] */
  #textStates(vision: Tensor, text: Tensor): Tensor {
    const [rows, length, width] = text.shape;
    let state = reshape(text, [vision.shape[0]!, -1, width!]);
    for (const layer of this.fusion) state = layer.forward(state, vision);
    return reshape(state, [rows!, length!, width!]);
  }

  /** @returns [B·K, D] */
  #visionAsks(vision: Tensor, text: Tensor, keep: Tensor): Tensor {
    let state = repeatRows(vision, text.shape[0]!);
    for (const layer of this.fusion) state = layer.forward(state, text, paddingMask(keep));
    return reduceMean(state, 1);
  }
}

/** Cross-attention; in a stack also normalised, added to its input and followed by a feed-forward part. */
class FusionLayer extends Module {
  readonly attention: MultiheadAttention;
  readonly norm1: LayerNorm | undefined;
  readonly norm2: LayerNorm | undefined;
  readonly mlp: Mlp | undefined;

  constructor(width: number, heads: number, stacked: boolean) {
    super();
    this.attention = new MultiheadAttention(width, heads);
    this.norm1 = stacked ? new LayerNorm(width) : undefined;
    this.norm2 = stacked ? new LayerNorm(width) : undefined;
    // What was asked and what was seen meet here; with smaller weights they would hardly interact at first.
    const initializer = initializers.lecunNormal;
    this.mlp = stacked ? new Mlp(width, 2 * width, { activation: 'gelu_tanh', initializer }) : undefined;
  }

  /** @param query [N, Q, D]  @param context [N, S, D]  @returns [N, Q, D] */
  forward(query: Tensor, context: Tensor, mask?: Tensor): Tensor {
    if (this.norm1 === undefined || this.norm2 === undefined || this.mlp === undefined)
      return this.attention.forward(query, context, mask);
    const attended = add(query, this.attention.forward(this.norm1.forward(query), context, mask));
    return add(attended, this.mlp.forward(this.norm2.forward(attended)));
  }
}

/** Maps both modalities' pooled features to unit vectors that can be compared (Radford et al. 2021, arXiv 2103.00020). */
export class Alignment extends Module {
  readonly vision: Linear;
  readonly text: Linear;
  /** Width of the vectors, A. */
  readonly size: number;

  constructor(width: number, size: number) {
    super();
    this.size = size;
    this.vision = new Linear(width, size, { bias: false });
    this.text = new Linear(width, size, { bias: false });
  }

  /** @param features [B, P, D]  @returns [B, A], of length 1 */
  ofVision(features: Tensor): Tensor {
    return l2Normalize(this.vision.forward(reduceMean(features, 1)), 1e-6);
  }

  /** @param features [B, T, D]  @param keep [B, T]  @returns [B, A], of length 1 */
  ofText(features: Tensor, keep: Tensor): Tensor {
    return l2Normalize(this.text.forward(maskedMean(features, keep)), 1e-6);
  }
}

/** A head that must be there. @throws GraphError */
function head<T>(module: T | undefined, name: 'matching' | 'masked'): T {
  if (module === undefined) throw new GraphError(`the model has no ${name} head`, `set ${name}Head in its config`);
  return module;
}

/**
 * From states to words, as BERT's head (Devlin et al. 2019, arXiv 1810.04805): a layer with GELU and a normalisation, then a
 * product with the text encoder's own vectors.
 */
export class MaskedHead extends Module {
  readonly transform: Linear;
  readonly norm: LayerNorm;
  readonly bias: Parameter;

  /** @param width of the states  @param words shape of the vectors of the vocabulary, V and E */
  constructor(width: number, [vocabulary, size]: readonly [number, number]) {
    super();
    this.transform = new Linear(width, size, { initializer: initializers.xavierUniform });
    this.norm = new LayerNorm(size);
    this.bias = new Parameter([vocabulary], initializers.zeros);
  }

  /** @param states [..., D]  @param words [V, E], the text encoder's  @returns logits [..., V] */
  forward(states: Tensor, words: Tensor): Tensor {
    return linear(this.norm.forward(gelu(this.transform.forward(states))), words, this.bias.tensor);
  }
}

/** Mean over real tokens. @param x [B, T, D]  @param keep [B, T], 1 where a token is real  @returns [B, D] */
export function maskedMean(x: Tensor, keep: Tensor): Tensor {
  const weights = reshape(keep, [...keep.shape, 1]);
  return div(reduceSum(mul(x, weights), 1), add(reduceSum(weights, 1), 1e-6));
}

/** Repeats each row as often as there are texts per picture: [B, …] → [rows, …]. */
function repeatRows(x: Tensor, rows: Tensor['shape'][number]): Tensor {
  const [batch, ...rest] = x.shape;
  if (batch === rows) return x;
  if (typeof batch !== 'number' || typeof rows !== 'number') return expand(x, [rows, ...rest]);
  const times = rows / batch;
  return reshape(expand(reshape(x, [batch, 1, ...rest]), [batch, times, ...rest]), [rows, ...rest]);
}
