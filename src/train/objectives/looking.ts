// R rows, T tokens of a row, H heads, N learned tokens
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
  slice,
  type Tensor,
} from '../../graph/index.ts';

/** Keeps the logarithm finite where nothing is looked at. */
const LEAST = 1e-4;

/** Maps of attention are named so by the decoder's layers. */
const MAPS = /self_attn\.weights$/;

/**
 * How little one head looks at the parts of the picture that are spoken of: −log of the attention that a token pays, while the
 * next one is learned, to the tokens of these parts. Which word belongs to which part is what decoders learn late by answers
 * alone; here a head is told, as the attention of captioning models was (Liu et al. 2017, arXiv 1605.09553).
 * @param taps what the decoder named while it read: the first head of its last layer is taken
 * @param chosen [N] int64: which of the R · T tokens come before learned ones
 * @param truth [N, T]: 1 for tokens of the parts that are spoken of; rows without any count for nothing
 * @returns the mean over rows that count, and the mean share of attention
 * @throws GraphError where the decoder shows no maps
 */
export function lookingLoss(
  taps: ReadonlyMap<string, Tensor>,
  chosen: Tensor,
  truth: Tensor,
): { loss: Tensor; share: Tensor } {
  const maps = [...taps].findLast(([name]) => MAPS.test(name))?.[1];
  if (maps === undefined)
    throw new GraphError(
      'looking needs a decoder whose attention maps can be seen',
      'set objectives.looking to 0, or leave recompute out',
    );
  const head = reshape(slice(maps, 1, 0, 1), [-1, maps.shape.at(-1) as number]);
  const share = reduceSum(mul(gather(head, chosen), truth), -1);
  const counts = cast(greater(reduceMax(truth, -1), 0), 'float32');
  const mean = (x: Tensor): Tensor => div(reduceSum(mul(x, counts)), maximum(reduceSum(counts), 1));
  return { loss: mean(neg(log(add(share, LEAST)))), share: mean(share) };
}
