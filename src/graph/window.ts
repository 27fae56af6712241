import type { Shape } from './dims.ts';

/** A window that slides over the last two dimensions of [B, C, H, W]. */
export interface Window2d {
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  /** Rows above and below, columns left and right: [top, left, bottom, right]. */
  readonly pads: readonly [number, number, number, number];
  readonly dilations: readonly [number, number];
}

/** Rows and columns of the window's positions, or a text that says why it does not fit. */
export function conv2dSize(shape: Shape, window: Window2d): [number, number] | string {
  const size: number[] = [];
  for (const axis of [0, 1] as const) {
    const length = shape[axis + 2];
    if (typeof length !== 'number') return 'height and width must be known while tracing';
    const reach = window.dilations[axis] * (window.kernel[axis] - 1) + 1;
    const padded = length + window.pads[axis] + window.pads[axis + 2]!;
    if (padded < reach) return `a window of ${reach} does not fit into ${padded}`;
    size.push(Math.floor((padded - reach) / window.strides[axis]) + 1);
  }
  return [size[0]!, size[1]!];
}
