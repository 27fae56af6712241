// B pictures, K texts per picture, T tokens, M masked tokens of a text, V vocabulary, A width of the shared space
/** Each objective of the fusion model by itself. What they add up to is said in `fusion.ts`. */
import {
  add,
  argmax,
  cast,
  crossEntropy,
  equal,
  exp,
  greater,
  matmul,
  mul,
  randomUniform,
  reduceMean,
  reduceSum,
  div,
  maximum,
  type Tensor,
} from '../../graph/index.ts';
import { initializers, Module, Parameter, randomSite } from '../../nn/index.ts';
import type { LossGraph } from '../objective.ts';
import { clipLoss, prototypeLoss, sameClass, sharedTargets, siglipLoss, truthLoss } from './contrastive.ts';
import type { FusionView } from './fusion-view.ts';
import { matchingLoss } from './matching.ts';
import { distilledContrastive, distilledMasked } from './momentum.ts';
import type { Prototypes } from './prototypes.ts';
import { tokenCrossEntropy } from './token-loss.ts';

/** What a contrastive loss learns besides the encoders. */
export class Temperature extends Module {
  readonly log_scale: Parameter;
  readonly bias: Parameter;

  constructor(form: 'clip' | 'siglip') {
    super();
    this.log_scale = new Parameter([], initializers.constantFill(Math.log(form === 'clip' ? 1 / 0.07 : 10)));
    this.bias = new Parameter([], initializers.constantFill(form === 'clip' ? 0 : -10));
  }
}

/** A part of the loss, by itself: what it reads of a batch, and what it computes. */
export interface FusionObjective {
  /** What its loss is called among the figures. */
  readonly name: string;
  /** Tensors of a batch that it reads. */
  readonly reads: readonly string[];
  /** @returns its loss, and figures beside it */
  loss(view: FusionView): LossGraph;
}

/** Cross-entropy of the answer to each text. */
export function classification(): FusionObjective {
  return {
    name: 'classification',
    reads: ['pixels', 'ids', 'mask', 'label'],
    loss(view): LossGraph {
      const labels = view.tensor('label');
      const logits = view.network.classify(view.pairs('statements'));
      const loss = crossEntropy(logits, labels);
      return { loss, figures: { accuracy: reduceMean(cast(equal(argmax(logits), labels), 'float32')) } };
    },
  };
}

/**
 * Pictures and true descriptions brought together before fusion, among the batch: see {@link clipLoss} and {@link siglipLoss}.
 * This is contrastive training by itself, and the alignment (VLM) of pretraining.
 * @param share part that the momentum model's targets have, see {@link distilledContrastive}; 0 without such a model
 */
export function contrastive(
  temperature: Temperature,
  form: 'clip' | 'siglip',
  name: 'contrastive' | 'alignment' = 'contrastive',
  share = 0,
): FusionObjective {
  return {
    name,
    reads: ['pixels', 'description_ids', 'description_mask', 'concept'],
    loss(view): LossGraph {
      const { vision, text } = view.aligned;
      const matches = sameClass(view.tensor('concept'));
      const { log_scale, bias } = temperature;
      const hard =
        form === 'clip'
          ? clipLoss(vision, text, log_scale.tensor, sharedTargets(matches))
          : siglipLoss(vision, text, log_scale.tensor, bias.tensor, matches);
      const { momentum } = view;
      if (momentum === undefined || share === 0) return { loss: hard, figures: {} };
      const soft = similarity(momentum, temperature);
      return { loss: distilledContrastive(hard, similarity(view, temperature), soft, share), figures: {} };
    },
  };
}

/** Cosines of pictures with descriptions, scaled. @returns [B, B] */
function similarity({ aligned: { vision, text } }: FusionView, { log_scale }: Temperature): Tensor {
  return mul(matmul(vision, text, { transB: true }), exp(log_scale.tensor));
}

/** Pictures and descriptions brought to one vector for each concept: see {@link prototypeLoss}. */
export function prototypes({ vectors, log_scale }: Prototypes): FusionObjective {
  return {
    name: 'prototypes',
    reads: ['pixels', 'description_ids', 'description_mask', 'concept'],
    loss(view): LossGraph {
      const { vision, text } = view.aligned;
      const concept = view.tensor('concept');
      const side = (x: Tensor): Tensor => prototypeLoss(x, vectors.tensor, log_scale.tensor, concept);
      return { loss: mul(add(side(vision), side(text)), 0.5), figures: {} };
    },
  };
}

/** Statements brought to the vectors of all concepts of which they are true: see {@link truthLoss}. */
export function truths({ vectors, log_scale }: Prototypes): FusionObjective {
  return {
    name: 'truths',
    reads: ['ids', 'mask', 'truth'],
    loss(view): LossGraph {
      const { text, keep } = view.texts('statements');
      const stated = view.alignment.ofText(text, keep);
      return { loss: truthLoss(stated, vectors.tensor, log_scale.tensor, view.tensor('truth')), figures: {} };
    },
  };
}

/**
 * Masked language modelling given the image (ALBEF, Li et al. 2021, arXiv 2107.07651, equation 2): cross-entropy of the hidden
 * words of a description, from what is left of it and the picture. Which words are hidden is decided in the data.
 * @param share part that the momentum model's targets have, see {@link distilledMasked}; 0 without such a model
 */
export function maskedLanguage(share = 0): FusionObjective {
  return {
    name: 'mlm',
    reads: ['pixels', 'masked_ids', 'description_mask', 'masked_places', 'masked_labels'],
    loss(view): LossGraph {
      const [places, labels] = [view.tensor('masked_places'), view.tensor('masked_labels')];
      const logits = view.nameWords(places);
      const counts = cast(greater(labels, -1), 'float32');
      const hard = tokenCrossEntropy(logits, labels);
      const right = mul(cast(equal(argmax(logits), labels), 'float32'), counts);
      const figures = { 'mlm-accuracy': div(reduceSum(right), maximum(reduceSum(counts), 1)) };
      const { momentum } = view;
      if (momentum === undefined || share === 0) return { loss: hard, figures };
      return { loss: distilledMasked(hard, logits, momentum.nameWords(places), counts, share), figures };
    },
  };
}

/** Image-text matching on the fused pair, with hard negatives of the batch: see {@link matchingLoss}. */
export function matching(temperature: Temperature): FusionObjective {
  return {
    name: 'itm',
    reads: ['pixels', 'description_ids', 'description_mask', 'concept'],
    loss(view): LossGraph {
      const matches = sameClass(view.tensor('concept'));
      const { loss, accuracy } = matchingLoss(
        (pairs) => view.match(pairs),
        view.pairs('descriptions'),
        similarity(view, temperature),
        matches,
        drawnNoise(matches.shape as number[]),
      );
      return { loss, figures: { 'itm-accuracy': accuracy } };
    },
  };
}

/** Random numbers of this step; none outside of training, where the hardest negatives are taken. */
function drawnNoise(shape: readonly number[]): { texts: Tensor; pictures: Tensor } | undefined {
  const draw = (): Tensor | undefined => {
    const site = randomSite();
    return site && randomUniform(site.seed, shape, site.site);
  };
  const [texts, pictures] = [draw(), draw()];
  return texts && pictures && { texts, pictures };
}
