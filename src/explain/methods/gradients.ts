// F rows of features, D width, C channels, H height, W width of what the encoder sees
import { hostTensor, type HostTensor } from '../../core/index.ts';
import type { PreparedPicture } from '../../models/index.ts';
import type { Exchange } from '../exchange.ts';
import { PIXELS } from '../graphs/picture.ts';
import { type GridMap, onGrid } from '../grid.ts';
import { cellSums } from '../pixel-cells.ts';
import type { Method } from './types.ts';

/**
 * Grad-CAM (Selvaraju et al. 2017, arXiv 1610.02391) where the picture enters the decoder: each number of the features weighs as much
 * as the mean of its gradient over all places, and what raises the token's logit remains.
 */
export const gradCam: Method = async (exchange, chosen) => {
  const features = await exchange.features();
  const maps: GridMap[] = [];
  for (const k of chosen) {
    const { gradient } = await exchange.owed(k, features);
    maps.push(onGrid(exchange.regions, classActivation(features, gradient)));
  }
  return maps;
};

/** ReLU(Σ_d α_d x_fd), α_d the mean of the gradient over places. @param x [F, D]  @param gradient [F, D]  @returns [F] */
export function classActivation(x: HostTensor<'float32'>, gradient: HostTensor<'float32'>): Float64Array {
  const [rows, width] = x.shape as readonly [number, number];
  const weights = new Float64Array(width);
  for (let i = 0; i < rows * width; i++) weights[i % width]! += gradient.data[i]! / rows;
  return Float64Array.from({ length: rows }, (_, f) => {
    let sum = 0;
    for (let d = 0; d < width; d++) sum += weights[d]! * x.data[f * width + d]!;
    return Math.max(0, sum);
  });
}

/** How much the token's logit answers to each pixel: the gradient's size (Simonyan et al. 2014, arXiv 1312.6034). */
export const inputGradient: Method = async (exchange, chosen) => {
  const features = await exchange.features();
  const maps: GridMap[] = [];
  for (const k of chosen) {
    const { gradient } = await exchange.owed(k, features);
    const parts = await exchange.pixelGradients(gradient);
    const sizes = parts.map(({ gradient: { shape, data } }) => hostTensor('float32', shape, data.map(Math.abs)));
    maps.push(cellSums(exchange, sizes));
  }
  return maps;
};

/** Steps of the sum that stands for the integral. */
const STEPS = 24;

/**
 * Integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365), from a grey picture to the one that is explained. Parts that
 * lower the token's logit count for nothing.
 */
export const integratedGradients: Method = async (exchange, chosen) => {
  const maps: GridMap[] = [];
  for (const k of chosen) {
    const attributions = await integrate(exchange, k, STEPS);
    const { rows, cols, values } = cellSums(exchange, attributions);
    maps.push({ rows, cols, values: values.map((value) => Math.max(0, value)) });
  }
  return maps;
};

/**
 * Attributions of a token's logit to pixels. They add up to the difference of the logits of picture and grey (completeness), up to
 * what the sum over steps, at their middles, differs from the integral.
 * @returns for each part of the picture, in the shape of its pixels
 */
export async function integrate(exchange: Exchange, k: number, steps: number): Promise<HostTensor<'float32'>[]> {
  const prepared = exchange.prepared();
  const sums: HostTensor<'float32'>[] = [];
  for (let step = 0; step < steps; step++) {
    const dimmed = dim(prepared, (step + 0.5) / steps);
    const { gradient } = await exchange.owed(k, await exchange.features(dimmed));
    for (const [i, part] of (await exchange.pixelGradients(gradient, dimmed)).entries()) {
      sums[i] ??= hostTensor('float32', part.gradient.shape);
      const sum = sums[i].data;
      // The difference to grey, whose pixels are 0, is the dimmed pixel over the share that it has of its own.
      part.gradient.data.forEach((value, at) => (sum[at]! += (value * part.pixels.data[at]!) / (step + 0.5)));
    }
  }
  return sums;
}

/** Pixels, which are 0 for grey, are multiplied by a share. */
export function dim(prepared: PreparedPicture, share: number): PreparedPicture {
  const { shape, data } = prepared.inputs[PIXELS] as HostTensor<'float32'>;
  const pixels = hostTensor(
    'float32',
    shape,
    data.map((value) => value * share),
  );
  return { ...prepared, inputs: { ...prepared.inputs, [PIXELS]: pixels } };
}
