// F features, D width of the decoder, C classes
import type { Tensor } from '../../graph/index.ts';
import { initializers, LayerNorm, Linear, Module } from '../../nn/index.ts';
import { accuracyOf, tokenCrossEntropy } from './token-loss.ts';

/**
 * Classifies features of pictures by the kind of what they show, as the decoder is given them, each by itself: what is counted and
 * compared by kinds there need not be looked up by its name first.
 */
export class FeatureKinds extends Module {
  readonly norm: LayerNorm;
  readonly layer: Linear;

  constructor(width: number, classes: number) {
    super();
    this.norm = new LayerNorm(width);
    this.layer = new Linear(width, classes, { initializer: initializers.normal(0.02), hidden: false });
  }

  /**
   * @param features [F, D]  @param labels [F] int64, −100 for those that show nothing of a kind
   * @returns the mean cross-entropy, and the share that is right
   */
  loss(features: Tensor, labels: Tensor): { loss: Tensor; accuracy: Tensor } {
    const logits = this.layer.forward(this.norm.forward(features));
    return { loss: tokenCrossEntropy(logits, labels), accuracy: accuracyOf(logits, labels) };
  }
}
