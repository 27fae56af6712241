import { type HostTensor, hostTensor, type Random } from '../core/index.ts';

/** Gives a weight its first values. */
export type Initializer = (shape: readonly number[], random: Random) => HostTensor<'float32'>;

function fill(next: (random: Random) => number): Initializer {
  return (shape, random) => {
    const tensor = hostTensor('float32', shape);
    for (let i = 0; i < tensor.data.length; i++) tensor.data[i] = next(random);
    return tensor;
  };
}

export const zeros: Initializer = fill(() => 0);
export const ones: Initializer = fill(() => 1);

export function constantFill(value: number): Initializer {
  return fill(() => value);
}

export function normal(deviation: number): Initializer {
  return fill((random) => deviation * random.normal());
}

/** Normal numbers, drawn again while they lie beyond two standard deviations. */
export function truncatedNormal(deviation: number): Initializer {
  return fill((random) => {
    let x = random.normal();
    while (Math.abs(x) > 2) x = random.normal();
    return deviation * x;
  });
}

export function uniform(bound: number): Initializer {
  return fill((random) => random.uniform(-bound, bound));
}

/** Inputs and outputs of a weight [out, in, ...kernel]. */
function fans(shape: readonly number[]): [fanIn: number, fanOut: number] {
  const kernel = shape.slice(2).reduce((a, b) => a * b, 1);
  return [(shape[1] ?? 1) * kernel, (shape[0] ?? 1) * kernel];
}

/** Uniform in ±√(6 / (in + out)) (Glorot and Bengio 2010). */
export const xavierUniform: Initializer = (shape, random) => {
  const [fanIn, fanOut] = fans(shape);
  return uniform(Math.sqrt(6 / (fanIn + fanOut)))(shape, random);
};

/** Normal with deviation √(2 / in), for ReLU networks (He et al. 2015, arXiv 1502.01852). */
export const kaimingNormal: Initializer = (shape, random) => normal(Math.sqrt(2 / fans(shape)[0]))(shape, random);

/** Uniform in ±1 / √in, the default of PyTorch's Linear and Conv2d. */
export const kaimingUniform: Initializer = (shape, random) => uniform(1 / Math.sqrt(fans(shape)[0]))(shape, random);

/** Normal with deviation 1 / √in, which keeps the size of what passes through (LeCun et al. 1998). */
export const lecunNormal: Initializer = (shape, random) => normal(1 / Math.sqrt(fans(shape)[0]))(shape, random);
