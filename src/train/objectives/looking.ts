// R rows, T tokens of a row, H heads, N learned tokens, M tokens that end a name
import { GraphError } from '../../core/index.ts';
import {
  add,
  cast,
  div,
  gather,
  greater,
  log,
  maximum,
  mul,
  neg,
  reduceMax,
  reduceSum,
  reshape,
  select,
  slice,
  type Tensor,
} from '../../graph/index.ts';

/** Keeps the logarithm finite where nothing is looked at. */
const LEAST = 1e-4;

/** Maps of attention are named so by the decoder's layers. */
const MAPS = /self_attn\.weights$/;

/** Where heads are to look, as 1 for tokens of a row; a row without any counts for nothing. */
export interface LookingTruth {
  /** [N] int64: which of the R · T tokens come before learned ones. */
  readonly chosen: Tensor;
  /** [N, T]: image tokens of what is spoken of while a token is said. */
  readonly looks: Tensor;
  /** [2, N, T]: where the question ends its first and its second name of what it asks about. */
  readonly asked: Tensor;
  /** [M] int64: which of the R · T tokens end a name in a question. */
  readonly mentions: Tensor;
  /** [M, T]: image tokens of what is named. */
  readonly mentioned: Tensor;
}

/**
 * How little heads look where what is spoken of is to be found: −log of the attention that they pay there. A name in the
 * question looks at its part of the picture (layer before the last, first head); while the answer is learned, the last
 * layer's first head looks at the parts that are spoken of, its second and third at the first and the second name in the
 * question, which have found their parts by then. Which word belongs to which part is what decoders learn late by answers
 * alone; here heads are told, as the attention of captioning models was (Liu et al. 2017, arXiv 1605.09553).
 * @param taps what the decoder named while it read; heads and layers that it does not have are told nothing
 * @returns the sum over heads of the mean over rows that count, and the share that the last layer's first head pays
 * @throws GraphError where the decoder shows no maps
 */
export function lookingLoss(taps: ReadonlyMap<string, Tensor>, truth: LookingTruth): { loss: Tensor; share: Tensor } {
  const [last, before] = [...taps].flatMap(([name, map]) => (MAPS.test(name) ? [map] : [])).reverse();
  if (last === undefined)
    throw new GraphError(
      'looking needs a decoder whose attention maps can be seen',
      'set objectives.looking to 0, or leave recompute out',
    );
  const answer = headLoss(last, 0, truth.chosen, truth.looks);
  const told = [answer];
  for (const name of [0, 1])
    if (name + 1 < (last.shape[1] as number))
      told.push(headLoss(last, name + 1, truth.chosen, select(truth.asked, 0, name)));
  if (before !== undefined) told.push(headLoss(before, 0, truth.mentions, truth.mentioned));
  return { loss: told.map(({ loss }) => loss).reduce((a, b) => add(a, b)), share: answer.share };
}

/** @param maps [R, H, T, T]  @param tokens [N] int64  @param truth [N, T] */
function headLoss(maps: Tensor, head: number, tokens: Tensor, truth: Tensor): { loss: Tensor; share: Tensor } {
  const map = reshape(slice(maps, 1, head, head + 1), [-1, maps.shape.at(-1) as number]);
  const share = reduceSum(mul(gather(map, tokens), truth), -1);
  const counts = cast(greater(reduceMax(truth, -1), 0), 'float32');
  const mean = (x: Tensor): Tensor => div(reduceSum(mul(x, counts)), maximum(reduceSum(counts), 1));
  return { loss: mean(neg(log(add(share, LEAST)))), share: mean(share) };
}
