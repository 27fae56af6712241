// E width of the vision tower, A width of the space in which pictures and texts are compared
import { CheckpointError, hostTensor, type HostTensor } from '../../core/index.ts';

/** Of what a tower gives, over many patches. Each [E]. */
export interface PatchStatistics {
  readonly mean: HostTensor<'float32'>;
  readonly variance: HostTensor<'float32'>;
}

const SCALE = 'vision_model.post_layernorm.weight';
const BIAS = 'vision_model.post_layernorm.bias';
const PROJECTION = 'vision_projection.weight';

/**
 * Weights of a SensoriumVL whose tower gives features of mean 0 and deviation 1: its last norm takes the change, and the
 * projection into the shared space undoes the scale. What all patches share would drown what tells them apart, for a
 * connector that has yet to learn. First weights that depend on the data, as in LSUV (Mishkin and Matas 2016, arXiv 1511.06422).
 * @param weights by their paths  @param statistics of what the tower gives with them
 * @param prefix before the paths of the model's weights  @returns the weights that change
 * @throws CheckpointError where one of them is missing
 */
export function standardizedTower(
  weights: Readonly<Record<string, HostTensor>>,
  { mean, variance }: PatchStatistics,
  prefix = '',
): Record<string, HostTensor<'float32'>> {
  const paths = [SCALE, BIAS, PROJECTION].map((path) => prefix + path);
  const [scale, bias, projection] = paths.map((path) => {
    const tensor = weights[path];
    if (tensor?.dtype !== 'float32') throw new CheckpointError(`${path} is missing, or not in float32`);
    return hostTensor('float32', tensor.shape, (tensor.data as Float32Array).slice());
  }) as [HostTensor<'float32'>, HostTensor<'float32'>, HostTensor<'float32'>];
  const width = scale.data.length;
  for (let e = 0; e < width; e++) {
    const deviation = Math.sqrt(variance.data[e]! + 1e-6);
    scale.data[e]! /= deviation;
    bias.data[e] = (bias.data[e]! - mean.data[e]!) / deviation;
    for (let row = 0; row < projection.shape[0]!; row++) projection.data[row * width + e]! *= deviation;
  }
  return { [paths[0]!]: scale, [paths[1]!]: bias, [paths[2]!]: projection };
}
