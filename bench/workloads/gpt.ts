// B batch, T tokens, D width, V vocabulary
import { add, crossEntropy, reshape, slice, type Tensor } from '../../src/graph/index.ts';
import { Transformer } from '../../src/models/common/transformer.ts';
import { causalMask, Embedding, initializers, Linear, Module, Parameter } from '../../src/nn/index.ts';

/** The decoder whose training step is compared: 6 layers, width 256, 4 heads, 128 tokens, vocabulary 2,048. */
export const GPT = { layers: 6, width: 256, heads: 4, length: 128, vocabulary: 2048, batch: 16 };

export class Gpt extends Module {
  readonly tokens: Embedding;
  readonly positions: Parameter;
  readonly transformer: Transformer;
  readonly head: Linear;

  constructor(activation: 'gelu' | 'gelu_tanh' = 'gelu', size: typeof GPT = GPT) {
    super();
    this.tokens = new Embedding(size.vocabulary, size.width);
    this.positions = new Parameter([size.length, size.width], initializers.normal(0.02));
    this.transformer = new Transformer({ width: size.width, layers: size.layers, heads: size.heads, activation });
    this.head = new Linear(size.width, size.vocabulary, { bias: false, initializer: initializers.normal(0.02) });
  }

  /** @param ids [B, T] int64  @param labels [B, T] int64  @returns the mean cross-entropy */
  forward(ids: Tensor, labels: Tensor): Tensor {
    const length = ids.shape[1] as number;
    const x = add(this.tokens.forward(ids), slice(this.positions.tensor, 0, 0, length));
    const logits = this.head.forward(this.transformer.forward(x, causalMask(length)));
    return crossEntropy(reshape(logits, [-1, logits.shape[2]!]), reshape(labels, [-1]));
  }
}
