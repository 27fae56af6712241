// I tiles, P patches of a tile, E width, S scale
import { reshape, type Tensor, transpose } from '../../graph/index.ts';

/** Squares of S × S patches side by side, row by row within a square. @param x [I, P, E]  @returns [I, P / S², S²·E] */
export function pixelShuffle(x: Tensor, scale: number): Tensor {
  const [tiles, patches, width] = x.shape as readonly [Tensor['shape'][number], number, number];
  const side = Math.sqrt(patches) / scale;
  const squares = transpose(reshape(x, [tiles, side, scale, side, scale, width]), [0, 1, 3, 2, 4, 5]);
  return reshape(squares, [tiles, side ** 2, scale ** 2 * width]);
}
