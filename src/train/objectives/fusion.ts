// B pictures, K statements per picture, T tokens
import {
  argmax,
  cast,
  concat,
  crossEntropy,
  equal,
  slice,
  mul,
  reduceMean,
  add,
  type Tensor,
} from '../../graph/index.ts';
import { initializers, Module, Parameter } from '../../nn/index.ts';
import type { LossGraph, Trainable } from '../objective.ts';
import { clipLoss, sameClass, sharedTargets, siglipLoss } from './contrastive.ts';

/** What these objectives ask of a model: features of both modalities before they meet, and logits after. */
export interface FusionNetwork extends Module {
  encodeVision(pixels: Tensor): Tensor;
  encodeText(ids: Tensor, keep: Tensor): { text: Tensor; keep: Tensor };
  classify(features: { vision: Tensor; text: Tensor; keep: Tensor }): Tensor;
  /** Maps pooled features to unit vectors; absent in a model without that part. */
  readonly alignment:
    | { ofVision(features: Tensor): Tensor; ofText(features: Tensor, keep: Tensor): Tensor }
    | undefined;
}

/** How much each part of the loss counts; 0 leaves a part out. */
export interface FusionWeights {
  readonly classification: number;
  /** Of pictures and true descriptions, before fusion, among the batch. */
  readonly contrastive: number;
  readonly form: 'clip' | 'siglip';
}

/** What a contrastive loss learns besides the encoders. */
class Temperature extends Module {
  readonly log_scale: Parameter;
  readonly bias: Parameter;

  constructor(form: 'clip' | 'siglip') {
    super();
    this.log_scale = new Parameter([], initializers.constantFill(Math.log(form === 'clip' ? 1 / 0.07 : 10)));
    this.bias = new Parameter([], initializers.constantFill(form === 'clip' ? 0 : -10));
  }
}

/** A fusion model with what only its training needs: the model's weights lie under `network.`. */
export class FusionTraining extends Module implements Trainable {
  readonly network: FusionNetwork;
  readonly temperature: Temperature | undefined;
  readonly #weights: FusionWeights;

  constructor(network: FusionNetwork, weights: FusionWeights) {
    super();
    this.network = network;
    this.temperature = weights.contrastive > 0 ? new Temperature(weights.form) : undefined;
    this.#weights = weights;
  }

  get model(): Module {
    return this;
  }

  /** @param batch `pixels`, `ids`, `mask`, `label`; for the contrastive part also `description_ids`, `description_mask`, `concept` */
  loss(batch: Readonly<Record<string, Tensor>>): LossGraph {
    const { classification, contrastive, form } = this.#weights;
    const { alignment } = this.network;
    const aligns = contrastive > 0 && alignment !== undefined && this.temperature !== undefined;
    const vision = this.network.encodeVision(batch['pixels']!);
    const [statements, descriptions] = aligns
      ? this.#encodeTogether([batch['ids']!, batch['description_ids']!], [batch['mask']!, batch['description_mask']!])
      : [this.network.encodeText(batch['ids']!, batch['mask']!)];
    const labels = batch['label']!;
    const logits = this.network.classify({ vision, ...statements! });
    const figures: Record<string, Tensor> = {
      classification: crossEntropy(logits, labels),
      accuracy: reduceMean(cast(equal(argmax(logits), labels), 'float32')),
    };
    let loss = mul(figures['classification']!, classification);
    if (aligns) {
      const matches = sameClass(batch['concept']!);
      const [v, t] = [alignment.ofVision(vision), alignment.ofText(descriptions!.text, descriptions!.keep)];
      const { log_scale, bias } = this.temperature;
      figures['contrastive'] =
        form === 'clip'
          ? clipLoss(v, t, log_scale.tensor, sharedTargets(matches))
          : siglipLoss(v, t, log_scale.tensor, bias.tensor, matches);
      loss = add(loss, mul(figures['contrastive'], contrastive));
    }
    return { loss, figures };
  }

  /** Several sets of texts through the encoder at once; texts of one length in one pass. */
  #encodeTogether(ids: readonly Tensor[], masks: readonly Tensor[]): { text: Tensor; keep: Tensor }[] {
    if (ids.some((tensor) => tensor.shape[1] !== ids[0]!.shape[1]))
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
