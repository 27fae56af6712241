// B pictures, K statements per picture, T tokens, A width of the shared space
import { GraphError } from '../../core/index.ts';
import {
  add,
  argmax,
  cast,
  concat,
  crossEntropy,
  equal,
  mul,
  reduceMean,
  slice,
  type Tensor,
} from '../../graph/index.ts';
import { initializers, Module, Parameter } from '../../nn/index.ts';
import type { LossGraph, Trainable } from '../objective.ts';
import { clipLoss, prototypeLoss, sameClass, sharedTargets, siglipLoss, truthLoss } from './contrastive.ts';

/** What these objectives ask of a model: features of both modalities before they meet, and logits after. */
export interface FusionNetwork extends Module {
  encodeVision(pixels: Tensor): Tensor;
  encodeText(ids: Tensor, keep: Tensor): { text: Tensor; keep: Tensor };
  classify(features: { vision: Tensor; text: Tensor; keep: Tensor }): Tensor;
  /** Maps pooled features to unit vectors; absent in a model without that part. */
  readonly alignment:
    | {
        /** Width of the vectors. */
        readonly size: number;
        ofVision(features: Tensor): Tensor;
        ofText(features: Tensor, keep: Tensor): Tensor;
      }
    | undefined;
}

/** How much each part of the loss counts; 0 leaves a part out. */
export interface FusionWeights {
  readonly classification: number;
  /** Of pictures and true descriptions, before fusion, among the batch. */
  readonly contrastive: number;
  readonly form: 'clip' | 'siglip';
  /** Of pictures and of true descriptions with one learned vector for each concept, before fusion; 0 unless told. */
  readonly prototypes?: number;
  /** Of statements with the vectors of all concepts of which they are true; needs prototypes. 0 unless told. */
  readonly truths?: number;
  /** Number of concepts; needed for prototypes. */
  readonly concepts?: number | undefined;
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

/** A vector for each concept, see {@link prototypeLoss}. */
class Prototypes extends Module {
  readonly vectors: Parameter;
  readonly log_scale: Parameter;

  constructor(concepts: number, width: number) {
    super();
    this.vectors = new Parameter([concepts, width], initializers.normal(1 / Math.sqrt(width)), { decay: false });
    this.log_scale = new Parameter([], initializers.constantFill(Math.log(1 / 0.07)));
  }
}

/** A fusion model with what only its training needs: the model's weights lie under `network.`. */
export class FusionTraining extends Module implements Trainable {
  readonly network: FusionNetwork;
  readonly temperature: Temperature | undefined;
  readonly prototypes: Prototypes | undefined;
  readonly #weights: FusionWeights;

  constructor(network: FusionNetwork, weights: FusionWeights) {
    super();
    this.network = network;
    this.temperature = weights.contrastive > 0 ? new Temperature(weights.form) : undefined;
    const { prototypes = 0, concepts = 0, truths = 0 } = weights;
    if (truths > 0 && prototypes === 0) throw new GraphError('truths need prototypes');
    if (prototypes > 0) {
      if (network.alignment === undefined || concepts === 0)
        throw new GraphError('prototypes need an alignment space and the number of concepts');
      this.prototypes = new Prototypes(concepts, network.alignment.size);
    }
    this.#weights = weights;
  }

  get model(): Module {
    return this;
  }

  /** @param batch `pixels`, `ids`, `mask`, `label`; for what comes before fusion also `description_ids`, `description_mask`, `concept`, and `truth` */
  loss(batch: Readonly<Record<string, Tensor>>): LossGraph {
    const { classification, contrastive, form, prototypes = 0, truths = 0 } = this.#weights;
    const { alignment } = this.network;
    const aligns = alignment !== undefined && contrastive + prototypes > 0;
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
      const concept = batch['concept']!;
      const [v, t] = [alignment.ofVision(vision), alignment.ofText(descriptions!.text, descriptions!.keep)];
      if (this.temperature !== undefined) {
        const matches = sameClass(concept);
        const { log_scale, bias } = this.temperature;
        figures['contrastive'] =
          form === 'clip'
            ? clipLoss(v, t, log_scale.tensor, sharedTargets(matches))
            : siglipLoss(v, t, log_scale.tensor, bias.tensor, matches);
        loss = add(loss, mul(figures['contrastive'], contrastive));
      }
      if (this.prototypes !== undefined) {
        const { vectors, log_scale } = this.prototypes;
        const side = (x: Tensor): Tensor => prototypeLoss(x, vectors.tensor, log_scale.tensor, concept);
        figures['prototypes'] = mul(add(side(v), side(t)), 0.5);
        loss = add(loss, mul(figures['prototypes'], prototypes));
        if (truths > 0) {
          const stated = alignment.ofText(statements!.text, statements!.keep);
          figures['truths'] = truthLoss(stated, vectors.tensor, log_scale.tensor, batch['truth']!);
          loss = add(loss, mul(figures['truths'], truths));
        }
      }
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
