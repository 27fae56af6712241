// D inputs of a layer, E its outputs, R rank
/** Adapters of a loaded model: how strongly each one counts, and what they come to together. */
import { GenerationError, hostTensor, type HostTensor } from '../core/index.ts';
import { type LayerChange, type LayerChanges, sumOfChanges } from '../generate/index.ts';

/** One layer's change, y = x (W + s B A)ᵀ. */
export interface AdapterLayerNumbers {
  /** [R, D] */
  readonly a: HostTensor<'float32'>;
  /** [E, R] */
  readonly b: HostTensor<'float32'>;
  readonly scaling: number;
  /** With DoRA (Liu et al. 2024, arXiv 2402.09353): each row of the sum has a length of its own. */
  readonly dora?: {
    /** [E] */
    readonly magnitude: HostTensor<'float32'>;
    /** ‖w‖², 2 w·d and ‖d‖² of each row w of W and d of s B A, [E] each. */
    readonly squares: readonly [Float64Array, Float64Array, Float64Array];
  };
}

/** An adapter that was read for a model. */
export interface LoadedAdapter {
  readonly name: string;
  readonly layers: ReadonlyMap<string, AdapterLayerNumbers>;
}

/** An adapter and how strongly it counts; 1 is as it was trained. */
export interface WeightedAdapter {
  readonly adapter: LoadedAdapter;
  readonly weight?: number;
}

/** What adapters change together: without DoRA their changes add up, and so they do with it. @throws GenerationError */
export function changesOf(adapters: readonly WeightedAdapter[]): LayerChanges {
  return sumOfChanges(
    adapters.map(({ adapter, weight = 1 }) => {
      if (!Number.isFinite(weight))
        throw new GenerationError(`the adapter ${adapter.name} counts ${weight} times`, 'give a number');
      return new Map([...adapter.layers].map(([path, layer]) => [path, changeOf(layer, weight)] as const));
    }),
  );
}

function changeOf({ a, b, scaling, dora }: AdapterLayerNumbers, weight: number): LayerChange {
  const [outputs, rank] = b.shape as readonly [number, number];
  const factors = dora && lengthFactors(dora, weight);
  const scaled = hostTensor('float32', b.shape);
  for (let row = 0; row < outputs; row++) {
    const factor = weight * scaling * (factors?.[row] ?? 1);
    for (let i = row * rank; i < (row + 1) * rank; i++) scaled.data[i] = factor * b.data[i]!;
  }
  if (factors === undefined) return { a, b: scaled };
  const stretch = Float32Array.from(factors, (factor) => factor - 1);
  return { a, b: scaled, stretch: hostTensor('float32', [outputs], stretch) };
}

/** By what each row of W + t s B A is multiplied to have its length. @param weight t */
export function lengthFactors(
  { magnitude, squares: [own, along, change] }: NonNullable<AdapterLayerNumbers['dora']>,
  weight: number,
): Float64Array {
  return Float64Array.from(
    own,
    (square, row) => magnitude.data[row]! / Math.sqrt(square + weight * along[row]! + weight ** 2 * change[row]!),
  );
}

/** The parts of the squared lengths of the rows of W + s B A. @param weight W, [E, D] */
export function squaresOf(
  weight: HostTensor<'float32'>,
  { a, b, scaling }: Pick<AdapterLayerNumbers, 'a' | 'b' | 'scaling'>,
): [Float64Array, Float64Array, Float64Array] {
  const [outputs, inputs] = weight.shape as readonly [number, number];
  const [own, along, change] = [0, 0, 0].map(() => new Float64Array(outputs)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const row = new Float32Array(inputs);
  for (let i = 0; i < outputs; i++) {
    changedRow(row, a, b, scaling, i);
    const w = weight.data.subarray(i * inputs, (i + 1) * inputs);
    let [x, y, z] = [0, 0, 0];
    for (let j = 0; j < inputs; j++) {
      x += w[j]! ** 2;
      y += w[j]! * row[j]!;
      z += row[j]! ** 2;
    }
    own[i] = x;
    along[i] = 2 * y;
    change[i] = z;
  }
  return [own, along, change];
}

/** Row `i` of s B A. @param into [D] */
export function changedRow(
  into: Float32Array,
  a: HostTensor<'float32'>,
  b: HostTensor<'float32'>,
  scaling: number,
  i: number,
): void {
  const [rank, inputs] = a.shape as readonly [number, number];
  into.fill(0);
  for (let r = 0; r < rank; r++) {
    const factor = scaling * b.data[i * rank + r]!;
    const from = r * inputs;
    for (let j = 0; j < inputs; j++) into[j]! += factor * a.data[from + j]!;
  }
}
