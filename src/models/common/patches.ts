// B batch, C channels, H height, W width, P patches, D width of a token
import { ShapeError } from '../../core/index.ts';
import { reshape, type Tensor, transpose } from '../../graph/index.ts';

/** Features on a grid as tokens, row by row. @param x [B, D, H, W]  @returns [B, H·W, D] */
export function flattenGrid(x: Tensor): Tensor {
  const [batch, channels, height, width] = x.shape;
  return transpose(reshape(x, [batch!, channels!, (height as number) * (width as number)]), [0, 2, 1]);
}

/**
 * Refuses pictures of another size than a model's positions were learned for.
 * @param pixels [B, C, H, W]
 * @throws ShapeError with both sizes
 */
export function checkPictures(pixels: Tensor, channels: number, [height, width]: readonly [number, number]): void {
  const [, ...found] = pixels.shape;
  if (pixels.rank === 4 && found[0] === channels && found[1] === height && found[2] === width) return;
  throw new ShapeError(
    `pictures of [${pixels.shape.join(', ')}] for a model that takes [batch, ${channels}, ${height}, ${width}]`,
    "resize them as the checkpoint's preprocessor does",
  );
}
