/** What is computed of a decoder that reads a whole text with its pictures at once. */
// T tokens, F rows of features, D width, K chosen tokens, V vocabulary, N heads, A axes of positions
import { gradients } from '../../autodiff/index.ts';
import { gather, input, logSoftmax, squeeze, type Tensor, trace } from '../../graph/index.ts';
import type { ImageTextModel } from '../../models/index.ts';
import { headRelevance, identity, rowThroughRollout, rowThroughSelfAttention } from './relevance.ts';

/** Sizes that a program is made for. */
export interface DecoderSizes {
  /** T */
  readonly length: number;
  /** F */
  readonly features: number;
}

/** Names of the inputs. */
export const DECODER = {
  ids: 'ids',
  features: 'features',
  places: 'places',
  positions: 'positions',
  /** [K] int64: tokens whose next tokens are asked about. */
  rows: 'rows',
  /** [1, V]: by how much each logit counts in what is differentiated. */
  seed: 'seed',
} as const;

const MAPS = /(^|\.)weights(#\d+)?$/;

interface Read {
  readonly logits: Tensor;
  readonly features: Tensor;
  /** In the order of the layers, [1, N, T, T] each. */
  readonly maps: readonly Tensor[];
}

function readAll(model: ImageTextModel, { length, features: count }: DecoderSizes, rows: Tensor): Read {
  const { width, positionAxes } = model.generation;
  const features = input(DECODER.features, 'float32', [count, width]);
  const ids = input(DECODER.ids, 'int64', [1, length]);
  const places = input(DECODER.places, 'int64', [1, length]);
  const positions = positionAxes === 0 ? undefined : input(DECODER.positions, 'int64', [positionAxes, 1, length]);
  const { result, taps } = trace(() => model.read(ids, { features, places, positions, chosen: rows }));
  return { logits: result, features, maps: [...taps].filter(([name]) => MAPS.test(name)).map(([, tensor]) => tensor) };
}

/** Logits of what may come after chosen tokens, [K, V]. */
export function scoreGraph(model: ImageTextModel, sizes: DecoderSizes): Record<string, Tensor> {
  return { logits: readAll(model, sizes, input(DECODER.rows, 'int64', ['K'])).logits };
}

/** Names of the inputs of {@link wordGraph}. */
export const WORDS = { features: 'features', tokens: 'tokens' } as const;

/**
 * How likely each feature of a picture stands for given tokens, read as the decoder's own states are.
 * @param wordsOf from features to logits  @returns `words` [F, K], log-probabilities
 */
export function wordGraph(wordsOf: (x: Tensor) => Tensor, features: number, width: number): Record<string, Tensor> {
  const logits = wordsOf(input(WORDS.features, 'float32', [features, width]));
  return { words: gather(logSoftmax(logits), input(WORDS.tokens, 'int64', ['K']), 1) };
}

/**
 * Where chosen tokens look.
 * @returns `logits` [K, V], for each layer `map.<layer>` [N, K, T], and their rollout, `rollout` [K, T]
 */
export function attentionGraph(model: ImageTextModel, sizes: DecoderSizes): Record<string, Tensor> {
  const rows = input(DECODER.rows, 'int64', ['K']);
  const { logits, maps } = readAll(model, sizes, rows);
  const outputs: Record<string, Tensor> = { logits };
  maps.forEach((map, layer) => (outputs[`map.${layer}`] = gather(squeeze(map, 0), rows, 1)));
  outputs['rollout'] = maps.reduceRight(rowThroughRollout, gather(identity(sizes.length), rows));
  return outputs;
}

/**
 * What one token's choice owes to the tokens before it and to the features of pictures.
 * @returns `logits` [1, V], `relevance` [1, T], and `gradient` [F, D] of the seeded sum of logits
 */
export function relevanceGraph(model: ImageTextModel, sizes: DecoderSizes): Record<string, Tensor> {
  const row = input(DECODER.rows, 'int64', [1]);
  const { logits, features, maps } = readAll(model, sizes, row);
  const seed = input(DECODER.seed, 'float32', [1, model.generation.vocabularySize]);
  const [gradient, ...mapGradients] = gradients(logits, [features, ...maps], seed);
  const attentions = maps.map((map, i) => squeeze(headRelevance(map, mapGradients[i]!), 0));
  const relevance = attentions.reduceRight(rowThroughSelfAttention, gather(identity(sizes.length), row));
  return { logits, relevance, gradient: gradient! };
}
