import { apply } from '../apply.ts';
import type { Shape } from '../dims.ts';
import type { Tensor } from '../tensor.ts';

/**
 * Uniform numbers in [0, 1), a pure function of the seed, the site and the position, so that a run can be repeated.
 * @param seed scalar int32, new for every step  @param site a number of its own for each place in a model
 */
export function randomUniform(seed: Tensor, shape: Shape, site: number): Tensor {
  return apply('randomUniform', [seed], { shape, site });
}
