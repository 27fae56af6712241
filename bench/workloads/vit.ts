// B pictures
import { crossEntropy, select, type Tensor } from '../../src/graph/index.ts';
import { PlainVit } from '../../src/models/common/vision.ts';
import { Linear, Module } from '../../src/nn/index.ts';

/** ViT-S/16 at 224 pixels with a class token and 1,000 classes. */
export const VIT = { size: 224, patch: 16, width: 384, layers: 12, heads: 6, classes: 1000, batch: 8 };

export class VitClassifier extends Module {
  readonly vit: PlainVit;
  readonly head: Linear;

  constructor() {
    super();
    const { size, patch, width, layers, heads, classes } = VIT;
    this.vit = new PlainVit({
      kind: 'vit',
      imageSize: size,
      patchSize: patch,
      width,
      layers,
      heads,
      activation: 'gelu',
      classToken: true,
    });
    this.head = new Linear(width, classes);
  }

  /** @param pixels [B, 3, 224, 224]  @param labels [B] int64  @returns the mean cross-entropy */
  forward(pixels: Tensor, labels: Tensor): Tensor {
    return crossEntropy(this.head.forward(select(this.vit.forward(pixels), 1, 0)), labels);
  }
}
