import { GraphError } from '../../core/index.ts';
import { apply } from '../apply.ts';
import { staticShape } from '../dims.ts';
import type { Tensor } from '../tensor.ts';
import type { Window2d } from '../window.ts';
import { reduceMax, reduceMean } from './reductions.ts';

/** How a window moves; numbers stand for both directions. */
export interface WindowOptions {
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
}

function window(kernel: readonly [number, number], { stride = 1, padding = 0, dilation = 1 }: WindowOptions): Window2d {
  return {
    kernel,
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    dilations: [dilation, dilation],
  };
}

/**
 * Two-dimensional convolution (cross-correlation, as the field means it).
 * @param x [B, C, H, W]  @param weight [out, C / groups, kh, kw]  @param bias [out]
 * @returns [B, out, H', W']
 */
export function conv2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor,
  options: WindowOptions & { readonly groups?: number } = {},
): Tensor {
  const [, , height, width] = staticShape(weight.shape, 'a convolution');
  if (height === undefined || width === undefined) throw new GraphError('a convolution weight needs four dimensions');
  const attributes = { ...window([height, width], options), groups: options.groups ?? 1 };
  return apply('conv2d', bias === undefined ? [x, weight] : [x, weight, bias], attributes);
}

/** The window's contents at each of its positions. @param x [B, C, H, W]  @returns [B, C, kh·kw, H', W'] */
export function unfold2d(x: Tensor, kernel: readonly [number, number], options: WindowOptions = {}): Tensor {
  return apply('unfold2d', [x], window(kernel, options));
}

/** Largest element under the window; no padding, since padding would have to be −∞. */
export function maxPool2d(x: Tensor, kernel: number, stride: number = kernel): Tensor {
  return reduceMax(unfold2d(x, [kernel, kernel], { stride }), 2);
}

/** Mean under the window, padding counted as zeros. */
export function avgPool2d(x: Tensor, kernel: number, stride: number = kernel, padding = 0): Tensor {
  return reduceMean(unfold2d(x, [kernel, kernel], { stride, padding }), 2);
}
