// R rows, T tokens of a row, N learned tokens, I pictures, K regions of a picture, P patches, E width of the vision tower,
// C concepts, A width of the space in which pictures and texts are compared
import { GraphError, hostTensor } from '../../core/index.ts';
import {
  add,
  cast,
  constant,
  equal,
  greater,
  logicalNot,
  logSoftmax,
  matmul,
  maximum,
  mul,
  neg,
  reduceMax,
  reduceSum,
  reshape,
  select,
  trace,
  div,
  sqrt,
  sub,
  type Tensor,
} from '../../graph/index.ts';
import { branchMask, initializers, Linear, Module, type Parameter } from '../../nn/index.ts';
import type { LossGraph, Trainable } from '../objective.ts';
import { clipLoss, truthLoss } from './contrastive.ts';
import { distillationLoss } from './distillation.ts';
import { FeatureKinds } from './feature-kinds.ts';
import { lookingLoss } from './looking.ts';
import { Prototypes } from './prototypes.ts';
import { accuracyOf, IGNORED, tokenCrossEntropy } from './token-loss.ts';

/** What this objective asks of a model: that it reads texts with pictures. */
export interface ImageTextNetwork extends Module {
  /** @returns [F, D] */
  pictureFeatures(inputs: Readonly<Record<string, Tensor>>): Tensor;
  /** @returns [N, V], logits of the chosen tokens */
  read(
    ids: Tensor,
    reading: { features?: Tensor; places?: Tensor; mask?: Tensor; positions?: Tensor; chosen?: Tensor },
  ): Tensor;
}

/** A model that also puts pictures and texts into one space. */
export interface ComparingNetwork extends ImageTextNetwork {
  /** @returns [I, P, E] */
  patches(pixels: Tensor): Tensor;
  /** @returns [F, D] */
  featuresOf(patches: Tensor): Tensor;
  readonly vision_projection: { forward(x: Tensor): Tensor };
  /** @param x [N, D]  @returns [N, V] */
  wordsOf(x: Tensor): Tensor;
  /** @returns [I, A] of length 1 */
  pictureVectors(patches: Tensor): Tensor;
  /** @returns [B, A] of length 1 */
  textVectors(ids: Tensor, ends: Tensor): Tensor;
  readonly logit_scale: Parameter;
  readonly config: { readonly projection: number; readonly text: { readonly width: number } };
}

/** How much each part of the loss counts; 0 leaves a part out. */
export interface ImageTextWeights {
  /** Cross-entropy of what the assistant says. */
  readonly language: number;
  /** Regions of pictures classified, with one learned vector for each concept. */
  readonly regions: number;
  /** Pictures with their descriptions, among the batch. */
  readonly contrastive: number;
  /** Pictures and descriptions with the vectors of all concepts that they show or name. */
  readonly shown: number;
  /** Regions classified by their attributes, such as their colours: coarse classes are learned before concepts are. */
  readonly attributes?: number;
  /** What the decoder is given of a region, held against the words that are said of it. */
  readonly words?: number;
  /** Where the decoder looks while it speaks of a part of the picture. */
  readonly looking?: number;
  /** Features, as the decoder is given them, classified by the kind of what they show. */
  readonly kinds?: number;
  /** The model as it was, beside an adapter: how far what it says is from what it said, where nothing new is taught. */
  readonly retention?: number;
  /** Number of concepts; needed for regions. */
  readonly concepts?: number | undefined;
  /** Classes of each attribute; needed for attributes. */
  readonly attributeClasses?: readonly number[] | undefined;
}

/** Names of the tensors that are not inputs of the picture encoder. */
const OWN = new Set([
  'features',
  'ids',
  'samples',
  'branches',
  'positions',
  'places',
  'chosen',
  'labels',
  'weights',
  'retained',
  'looks',
  'asked',
  'mentions',
  'mentioned',
  'kinds',
  'region_weights',
  'region_concepts',
  'region_attributes',
  'region_words',
  'caption_ids',
  'caption_ends',
  'shown',
]);

/**
 * Teaches a model of pictures and texts: causal language modelling on packed rows with the loss on the assistant's tokens
 * alone (visual instruction tuning, Liu et al. 2023, arXiv 2304.08485), and where the data know more, matching of pictures'
 * regions with concepts and of pictures with descriptions. Features of regions are standardised over the batch before they are
 * classified. The model's weights lie under `network.`.
 */
export class ImageTextTraining extends Module implements Trainable {
  readonly network: ImageTextNetwork;
  readonly concepts: Prototypes | undefined;
  /** A layer for each attribute. */
  readonly attributes: readonly Linear[];
  readonly kinds: FeatureKinds | undefined;
  readonly #weights: ImageTextWeights;
  readonly #asBefore: (<T>(act: () => T) => T) | undefined;

  /**
   * @param asBefore lets what is traced be the model as it was; needed for retention
   * @throws GraphError for weights that do not fit each other, the network or the data
   */
  constructor(network: ImageTextNetwork, weights: ImageTextWeights, asBefore?: <T>(act: () => T) => T) {
    super();
    const { attributes = 0, kinds = 0, retention = 0 } = weights;
    this.network = network;
    this.#asBefore = asBefore;
    if (retention > 0 && asBefore === undefined)
      throw new GraphError('what a model said before is known beside an adapter alone', 'set retention to 0');
    if (attributes > 0 && weights.regions === 0)
      throw new GraphError(
        'attributes of regions are learned beside their concepts, and regions have no weight',
        'give regions a weight above 0, or leave attributes out',
      );
    if (weights.regions + weights.shown > 0) {
      if (!compares(network) || weights.concepts === undefined)
        throw new GraphError('matching of regions needs a model that compares, and data that know concepts');
      this.concepts = new Prototypes(weights.concepts, network.config.projection);
    }
    if (kinds > 0) {
      const count = weights.attributeClasses?.[0];
      if (!compares(network) || count === undefined)
        throw new GraphError('kinds of features need a model that compares, and data that know kinds');
      this.kinds = new FeatureKinds(network.config.text.width, count);
    }
    const classes = attributes > 0 ? (weights.attributeClasses ?? []) : [];
    this.attributes = compares(network)
      ? classes.map(
          (count) =>
            new Linear(network.config.projection, count, { initializer: initializers.normal(0.02), hidden: false }),
        )
      : [];
    if (weights.contrastive + (weights.words ?? 0) > 0 && !compares(network))
      throw new GraphError('matching of pictures with descriptions or words needs a model that compares them');
    this.#weights = weights;
  }

  get model(): Module {
    return this;
  }

  /**
   * @param batch of a packed dataset: `ids`, `samples`, `branches`, `positions`, `places` [R, T], `chosen`, `labels`, `weights`
   *   [N], for retention `retained` [N], for looking `looks` [N, T], `asked` [2, N, T], `mentions` [M], `mentioned` [M, T], for kinds `kinds` [F], the picture encoder's inputs, or in their place `features` [F, D]; for matching `region_weights` [I, K, P], `region_concepts` [I · K], `region_attributes`
   *   [attributes, I · K], `region_words` [I · K, V], `caption_ids` [I, L], `caption_ends` [I], `shown` [I, C]
   */
  loss(batch: Readonly<Record<string, Tensor>>): LossGraph {
    const { network } = this;
    const { language, regions, contrastive, shown, words = 0, looking = 0, kinds = 0, retention = 0 } = this.#weights;
    const inputs = Object.fromEntries(Object.entries(batch).filter(([name]) => !OWN.has(name)));
    const seesPictures = Object.keys(inputs).length > 0;
    const matching = regions + contrastive + shown + words + kinds > 0 && compares(network);
    const patches = matching ? network.patches(inputs['pixel_values']!) : undefined;
    const see = (): Tensor | undefined => (seesPictures ? network.pictureFeatures(inputs) : batch['features']);
    const features = patches !== undefined && compares(network) ? network.featuresOf(patches) : see();
    const figures: Record<string, Tensor> = {};
    const parts: Tensor[] = [];
    if (language + looking + retention > 0) {
      const { logits, taps } = this.#read(batch, features);
      if (language > 0) {
        figures['language'] = tokenCrossEntropy(logits, batch['labels']!, { weights: batch['weights']! });
        figures['accuracy'] = accuracyOf(logits, batch['labels']!);
        parts.push(mul(figures['language'], language));
      }
      if (retention > 0) {
        const { logits: before } = this.#asBefore!(() => this.#read(batch, see()));
        figures['retention'] = distillationLoss(logits, before, { weights: batch['retained']! });
        parts.push(mul(figures['retention'], retention));
      }
      if (looking > 0) {
        const { loss, share } = lookingLoss(taps, {
          chosen: batch['chosen']!,
          looks: batch['looks']!,
          asked: batch['asked']!,
          mentions: batch['mentions']!,
          mentioned: batch['mentioned']!,
        });
        figures['looking'] = loss;
        figures['lookedAt'] = share;
        parts.push(mul(loss, looking));
      }
    }
    if (this.kinds !== undefined) {
      const { loss, accuracy } = this.kinds.loss(features!, batch['kinds']!);
      figures['kinds'] = loss;
      figures['kindAccuracy'] = accuracy;
      parts.push(mul(loss, kinds));
    }
    if (patches !== undefined && compares(network)) {
      const { concepts } = this;
      if (words > 0) {
        const { loss, accuracy } = wordLoss(network, features!, batch['region_weights']!, batch['region_words']!);
        figures['words'] = loss;
        figures['wordAccuracy'] = accuracy;
        parts.push(mul(loss, words));
      }
      if (regions > 0 && concepts !== undefined) {
        const projected = standardized(
          pooledRegions(network, patches, batch['region_weights']!),
          cast(logicalNot(equal(batch['region_concepts']!, IGNORED)), 'float32'),
        );
        const logits = matmul(projected, concepts.vectors.tensor, { transB: true });
        figures['regions'] = tokenCrossEntropy(logits, batch['region_concepts']!);
        figures['regionAccuracy'] = accuracyOf(logits, batch['region_concepts']!);
        parts.push(mul(figures['regions'], regions));
        for (const [i, layer] of this.attributes.entries()) {
          const loss = tokenCrossEntropy(layer.forward(projected), select(batch['region_attributes']!, 0, i));
          figures[`attribute${i + 1}`] = loss;
          parts.push(mul(loss, this.#weights.attributes!));
        }
      }
      if (contrastive + shown > 0) {
        const pictures = network.pictureVectors(patches);
        const texts = network.textVectors(batch['caption_ids']!, batch['caption_ends']!);
        if (contrastive > 0) {
          figures['contrastive'] = clipLoss(
            pictures,
            texts,
            reshape(network.logit_scale.tensor, []),
            identity(pictures.shape[0] as number),
          );
          parts.push(mul(figures['contrastive'], contrastive));
        }
        if (shown > 0 && concepts !== undefined) {
          const { vectors, log_scale } = concepts;
          const side = (x: Tensor): Tensor => truthLoss(x, vectors.tensor, log_scale.tensor, batch['shown']!);
          figures['shown'] = mul(add(side(pictures), side(texts)), 0.5);
          parts.push(mul(figures['shown'], shown));
        }
      }
    }
    if (parts.length === 0) throw new GraphError('an objective without parts');
    return { loss: parts.reduce((a, b) => add(a, b)), figures };
  }

  /** Logits of the learned tokens, and what the network named on its way to them. */
  #read(
    batch: Readonly<Record<string, Tensor>>,
    features: Tensor | undefined,
  ): { logits: Tensor; taps: ReadonlyMap<string, Tensor> } {
    const { ids, samples, branches, positions, places, chosen } = batch;
    const { result, taps } = trace(() =>
      this.network.read(ids!, {
        ...(features === undefined ? {} : { features, places: places! }),
        mask: branchMask(samples!, branches!),
        positions: positions!,
        chosen: chosen!,
      }),
    );
    return { logits: result, taps };
  }
}

/**
 * Region features: means of patches, weighted by how much of a patch lies within. Classes are plain products with them; of
 * unit vectors with a temperature the first hundreds of steps learn nothing but how common concepts are.
 * @param patches [I, P, E]  @param weights [I, K, P]  @returns [I · K, A]
 */
function pooledRegions(network: ComparingNetwork, patches: Tensor, weights: Tensor): Tensor {
  const pooled = matmul(weights, patches);
  return network.vision_projection.forward(reshape(pooled, [-1, pooled.shape.at(-1)!]));
}

/**
 * What stands in the place of image tokens, pooled by regions and read as the decoder's own states are, against the words
 * that are said of each region: a decoder whose pictures already lie by their words has only to point and to copy.
 * @param features [F, D], F = I · P / S²  @param weights [I, K, P]  @param truth [I · K, V], rows that sum to one, or zeros
 */
function wordLoss(
  network: ComparingNetwork,
  features: Tensor,
  weights: Tensor,
  truth: Tensor,
): { loss: Tensor; accuracy: Tensor } {
  const [pictures, regions, patches] = weights.shape as readonly [number, number, number];
  const [rows, width] = features.shape as readonly [number, number];
  const perPicture = rows / pictures;
  const side = Math.sqrt(perPicture);
  const scale = Math.sqrt(patches) / side;
  const shares = reduceSum(reshape(weights, [pictures, regions, side, scale, side, scale]), [3, 5]);
  const pooled = matmul(
    reshape(shares, [pictures, regions, perPicture]),
    reshape(features, [pictures, perPicture, width]),
  );
  const logits = network.wordsOf(reshape(pooled, [-1, width]));
  const count = maximum(reduceSum(truth), 1);
  const likeliest = cast(equal(logits, reduceMax(logits, -1, true)), 'float32');
  const said = reduceSum(mul(likeliest, cast(greater(truth, 0), 'float32')));
  return { loss: div(neg(reduceSum(mul(logSoftmax(logits), truth))), count), accuracy: div(said, count) };
}

/**
 * Every feature less its mean and over its deviation among the batch's regions, as in batch normalisation (Ioffe and Szegedy 2015,
 * arXiv 1502.03167): what all regions share would drown what tells them apart.
 * @param x [N, A]  @param counts [N], 1 for rows that count and 0 for others
 */
function standardized(x: Tensor, counts: Tensor): Tensor {
  const rows = reshape(counts, [-1, 1]);
  const mean = (t: Tensor): Tensor => div(reduceSum(mul(t, rows), 0, true), maximum(reduceSum(rows), 1));
  const centred = sub(x, mean(x));
  return div(centred, sqrt(add(mean(mul(centred, centred)), 1e-5)));
}

function compares(network: ImageTextNetwork): network is ComparingNetwork {
  return 'pictureVectors' in network;
}

function identity(count: number): Tensor {
  const data = new Float32Array(count * count);
  for (let i = 0; i < count; i++) data[i * count + i] = 1;
  return constant(hostTensor('float32', [count, count], data));
}
