// R rows, T tokens of a row, N tokens, D width of the decoder, C classes
import { GraphError } from '../../core/index.ts';
import { reshape, type Tensor } from '../../graph/index.ts';
import { initializers, LayerNorm, Linear, Module } from '../../nn/index.ts';
import { accuracyOf, tokenCrossEntropy } from './token-loss.ts';

/** States are named so by the decoder's layers. */
const STATES = /layers\.\d+\.state$/;

/**
 * What the decoder's last layer reads: what is to be counted or compared there has to be told apart before.
 * @param taps what the decoder named while it read  @returns [R, T, D]
 * @throws GraphError for a decoder of one layer, or one whose states cannot be seen
 */
export function readByLastLayer(taps: ReadonlyMap<string, Tensor>): Tensor {
  const read = [...taps].flatMap(([name, state]) => (STATES.test(name) ? [state] : [])).at(-2);
  if (read === undefined)
    throw new GraphError('kinds of image tokens need a decoder of two layers or more', 'set objectives.kinds to 0');
  return read;
}

/**
 * Classifies image tokens by what they show: a companion loss on hidden layers, as in deeply supervised nets (Lee et al. 2015, arXiv
 * 1409.5185).
 */
export class TokenKinds extends Module {
  readonly norm: LayerNorm;
  readonly layer: Linear;

  constructor(width: number, classes: number) {
    super();
    this.norm = new LayerNorm(width);
    this.layer = new Linear(width, classes, { initializer: initializers.normal(0.02), hidden: false });
  }

  /**
   * @param tokens [N, D] or [R, T, D]  @param labels int64 of N or R · T, −100 for tokens that show nothing of a kind
   * @returns the mean cross-entropy, and the share that is right
   */
  loss(tokens: Tensor, labels: Tensor): { loss: Tensor; accuracy: Tensor } {
    const logits = this.layer.forward(this.norm.forward(reshape(tokens, [-1, tokens.shape.at(-1)!])));
    const flat = reshape(labels, [-1]);
    return { loss: tokenCrossEntropy(logits, flat), accuracy: accuracyOf(logits, flat) };
  }
}
