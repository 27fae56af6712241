import { GraphError } from '../../core/index.ts';
import { add, mul, type Tensor } from '../../graph/index.ts';
import { Module } from '../../nn/index.ts';
import type { LossGraph, Trainable } from '../objective.ts';
import {
  classification,
  contrastive,
  type FusionObjective,
  maskedLanguage,
  matching,
  prototypes,
  Temperature,
  truths,
} from './fusion-objectives.ts';
import { Prototypes } from './prototypes.ts';
import { type FusionNetwork, FusionView } from './fusion-view.ts';

/** How much each part of the loss counts; 0 leaves a part out, and so does leaving out what has a question mark. */
export interface FusionWeights {
  readonly classification: number;
  /** Of pictures and true descriptions, before fusion, among the batch. */
  readonly contrastive: number;
  readonly form: 'clip' | 'siglip';
  /** Of pictures and of true descriptions with one learned vector for each concept, before fusion. */
  readonly prototypes?: number | undefined;
  /** Of statements with the vectors of all concepts of which they are true; needs prototypes. */
  readonly truths?: number | undefined;
  /** Number of concepts; needed for prototypes. */
  readonly concepts?: number | undefined;
  /** Of hidden words of the description, given the picture. */
  readonly mlm?: number | undefined;
  /** As `contrastive`, by its name in the sum of the three for pretraining. */
  readonly alignment?: number | undefined;
  /** Of pairs told from hard negatives, after fusion. */
  readonly itm?: number | undefined;
  /** Part of the targets of `mlm` and `alignment` that the averaged weights give: momentum distillation. */
  readonly momentum?: number | undefined;
}

/** The weighted sum for pretraining: hidden words 0.4, alignment before fusion 0.4, matching after it 0.2. */
export const PRETRAINING_WEIGHTS: Required<Pick<FusionWeights, 'mlm' | 'alignment' | 'itm'>> = {
  mlm: 0.4,
  alignment: 0.4,
  itm: 0.2,
};

/** The model of averaged weights: the same paths as the trained one's, behind `momentum.`. */
class Momentum extends Module {
  readonly momentum: { readonly network: FusionNetwork } & Module;

  constructor(network: FusionNetwork) {
    super();
    this.momentum = new Root(network);
  }
}

class Root extends Module {
  readonly network: FusionNetwork;

  constructor(network: FusionNetwork) {
    super();
    this.network = network;
  }
}

/** A fusion model with the weighted sum of its objectives: the model's weights lie under `network.`. */
export class FusionTraining extends Module implements Trainable {
  readonly network: FusionNetwork;
  readonly temperature: Temperature | undefined;
  readonly prototypes: Prototypes | undefined;
  readonly #objectives: readonly { readonly objective: FusionObjective; readonly weight: number }[];
  readonly #momentum: Momentum | undefined;

  /**
   * @param twin another network of the same shapes, for momentum distillation
   * @throws GraphError for weights that do not fit each other or the network
   */
  constructor(network: FusionNetwork, weights: FusionWeights, twin?: FusionNetwork) {
    super();
    const { form, concepts = 0, momentum = 0, itm = 0, mlm = 0, alignment = 0 } = weights;
    const { prototypes: vectors = 0, truths: stated = 0 } = weights;
    this.network = network;
    const aligned = weights.contrastive + alignment + itm;
    this.temperature = aligned > 0 ? new Temperature(form) : undefined;
    if (stated > 0 && vectors === 0) throw new GraphError('truths need prototypes');
    if (vectors > 0) {
      if (network.alignment === undefined || concepts === 0)
        throw new GraphError('prototypes need an alignment space and the number of concepts');
      this.prototypes = new Prototypes(concepts, network.alignment.size);
    }
    if (momentum > 0) {
      if (twin === undefined || !(momentum <= 1) || mlm + alignment === 0)
        throw new GraphError('momentum distillation needs a second network, a part up to 1, and mlm or alignment');
      this.#momentum = new Momentum(twin);
    }
    const chosen: { objective: FusionObjective; weight: number }[] = [];
    const choose = (weight: number, make: () => FusionObjective): void => {
      if (weight > 0) chosen.push({ objective: make(), weight });
    };
    choose(weights.classification, () => classification());
    // A model that compares nothing before fusion has never had that part of the loss.
    if (network.alignment !== undefined) choose(weights.contrastive, () => contrastive(this.temperature!, form));
    choose(vectors, () => prototypes(this.prototypes!));
    choose(stated, () => truths(this.prototypes!));
    choose(mlm, () => maskedLanguage(momentum));
    choose(alignment, () => contrastive(this.temperature!, form, 'alignment', momentum));
    choose(itm, () => matching(this.temperature!));
    if (chosen.length === 0) throw new GraphError('there is no objective', 'give one of them a weight above 0');
    this.#objectives = chosen;
  }

  get model(): Module {
    return this;
  }

  get momentum(): Module | undefined {
    return this.#momentum;
  }

  /** @param batch what the objectives read */
  loss(batch: Readonly<Record<string, Tensor>>): LossGraph {
    const reads = new Set(this.#objectives.flatMap(({ objective }) => objective.reads));
    const momentum = this.#momentum && new FusionView(this.#momentum.momentum.network, batch, reads);
    const view = new FusionView(this.network, batch, reads, momentum);
    const figures: Record<string, Tensor> = {};
    let loss: Tensor | undefined;
    for (const { objective, weight } of this.#objectives) {
      const part = objective.loss(view);
      figures[objective.name] = part.loss;
      Object.assign(figures, part.figures);
      const weighted = mul(part.loss, weight);
      loss = loss === undefined ? weighted : add(loss, weighted);
    }
    return { loss: loss!, figures };
  }
}
