// B batch, T tokens, D width, V vocabulary
/** Parts that BERT and the text model of BLIP share. */
import { add, linear, type Tensor } from '../../graph/index.ts';
import {
  activate,
  type Activation,
  Dropout,
  initializers,
  LayerNorm,
  Linear,
  Module,
  Parameter,
} from '../../nn/index.ts';

/** Sizes of BERT's parts. */
export interface BertPartConfig {
  readonly vocabularySize: number;
  readonly width: number;
  readonly activation: Activation;
  readonly normEpsilon: number;
  /** While training. */
  readonly dropout: number;
}

const initializer = initializers.normal(0.02);

/** A linear layer whose result is added to what went into the block, and then normalised. */
export class BertOutput extends Module {
  readonly dense: Linear;
  readonly LayerNorm: LayerNorm;
  readonly #dropout: Dropout;

  constructor(inputs: number, { width, normEpsilon, dropout }: BertPartConfig) {
    super();
    this.dense = new Linear(inputs, width, { initializer });
    this.LayerNorm = new LayerNorm(width, normEpsilon);
    this.#dropout = new Dropout(dropout);
  }

  /** @param x [B, T, inputs]  @param before [B, T, D]  @returns [B, T, D] */
  forward(x: Tensor, before: Tensor): Tensor {
    return this.LayerNorm.forward(add(this.#dropout.forward(this.dense.forward(x)), before));
  }
}

export class BertTransform extends Module {
  readonly dense: Linear;
  readonly LayerNorm: LayerNorm;
  readonly #config: BertPartConfig;

  constructor(config: BertPartConfig) {
    super();
    this.dense = new Linear(config.width, config.width, { initializer });
    this.LayerNorm = new LayerNorm(config.width, config.normEpsilon);
    this.#config = config;
  }

  /** @param x [B, T, D]  @returns [B, T, D] */
  forward(x: Tensor): Tensor {
    return this.LayerNorm.forward(activate(this.dense.forward(x), this.#config.activation));
  }
}

export class BertPredictions extends Module {
  readonly transform: BertTransform;
  readonly bias: Parameter;

  constructor(config: BertPartConfig) {
    super();
    this.transform = new BertTransform(config);
    this.bias = new Parameter([config.vocabularySize], initializers.zeros);
  }

  /** @param x [B, T, D]  @param words the embedding [V, D]  @returns [B, T, V] */
  forward(x: Tensor, words: Tensor): Tensor {
    return linear(this.transform.forward(x), words, this.bias.tensor);
  }
}

export class BertHeads extends Module {
  readonly predictions: BertPredictions;

  constructor(config: BertPartConfig) {
    super();
    this.predictions = new BertPredictions(config);
  }
}
