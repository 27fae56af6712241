// D inputs of a linear layer, E its outputs, R rank
/** What adapters do to linear layers of a loaded model: values that a program is given, so that they can be exchanged. */
import { GenerationError, hostTensor, type HostTensor } from '../core/index.ts';
import { add, input, matmul, mul, type Tensor } from '../graph/index.ts';
import { Linear, type LinearAdaptation, type Module } from '../nn/index.ts';

/** y = x Wᵀ + (x Aᵀ) Bᵀ + o ⊙ x Wᵀ */
export interface LayerChange {
  /** [R, D] */
  readonly a: HostTensor<'float32'>;
  /** [E, R], with all factors in it. */
  readonly b: HostTensor<'float32'>;
  /** o, [E]: by how much rows of W itself are lengthened; not at all where it is absent. */
  readonly stretch?: HostTensor<'float32'> | undefined;
}

/** By path of the layer. */
export type LayerChanges = ReadonlyMap<string, LayerChange>;

const INPUT = 'adapter';

/** Traces a model with room for changes to some of its layers. Programs of one {@link changeKey} can be given the same ones. */
export function withRoomForChanges<T>(
  model: { modules(): Map<string, Module> },
  changes: LayerChanges,
  body: () => T,
): T {
  const modules = model.modules();
  const remove: (() => void)[] = [];
  try {
    let index = 0;
    for (const [path, { stretch }] of changes) {
      const layer = modules.get(path);
      if (!(layer instanceof Linear))
        throw new GenerationError(
          `the model has no linear layer ${path}`,
          'use the model that the adapter was made for',
        );
      remove.push(layer.adapt(new Room(path, `R${index++}`, layer, stretch !== undefined)));
    }
    return body();
  } finally {
    for (const undo of remove) undo();
  }
}

/** What a program must have room for, as a text that can be compared. */
export function changeKey(changes: LayerChanges): string {
  return [...changes]
    .map(([path, { stretch }]) => (stretch === undefined ? path : `${path}*`))
    .sort()
    .join(' ');
}

/** Values of the inputs that a program with room for changes has. */
export function changeValues(changes: LayerChanges): Map<string, HostTensor<'float32'>> {
  const values = new Map<string, HostTensor<'float32'>>();
  for (const [path, { a, b, stretch }] of changes) {
    values.set(`${INPUT}.${path}.a`, a);
    values.set(`${INPUT}.${path}.b`, b);
    if (stretch !== undefined) values.set(`${INPUT}.${path}.stretch`, stretch);
  }
  return values;
}

class Room implements LinearAdaptation {
  readonly #path: string;
  readonly #rank: string;
  readonly #shape: readonly [outputs: number, inputs: number];
  readonly #stretches: boolean;

  constructor(path: string, rank: string, layer: Linear, stretches: boolean) {
    this.#path = path;
    this.#rank = rank;
    this.#shape = layer.weight.shape as readonly [number, number];
    this.#stretches = stretches;
  }

  added(x: Tensor, product: Tensor): Tensor {
    const [outputs, inputs] = this.#shape;
    const part = (name: string, shape: readonly (number | string)[]): Tensor =>
      input(`${INPUT}.${this.#path}.${name}`, 'float32', shape);
    const narrow = matmul(x, part('a', [this.#rank, inputs]), { transB: true });
    const change = matmul(narrow, part('b', [outputs, this.#rank]), { transB: true });
    return this.#stretches ? add(change, mul(product, part('stretch', [outputs]))) : change;
  }
}

/** Several changes as one: ranks lie side by side. @throws GenerationError when they are of different models */
export function sumOfChanges(all: readonly LayerChanges[]): LayerChanges {
  const paths = new Set(all.flatMap((changes) => [...changes.keys()]));
  return new Map(
    [...paths].map(
      (path) =>
        [
          path,
          sumOf(
            all.flatMap((changes) => changes.get(path) ?? []),
            path,
          ),
        ] as const,
    ),
  );
}

function sumOf(parts: readonly LayerChange[], path: string): LayerChange {
  const [first] = parts as readonly [LayerChange];
  if (parts.length === 1) return first;
  const [inputs, outputs] = [first.a.shape[1]!, first.b.shape[0]!];
  if (parts.some(({ a, b }) => a.shape[1] !== inputs || b.shape[0] !== outputs))
    throw new GenerationError(`adapters of different models meet at ${path}`, 'use adapters of one model');
  const ranks = parts.map(({ a }) => a.shape[0]!);
  const rank = ranks.reduce((x, y) => x + y, 0);
  const a = hostTensor('float32', [rank, inputs]);
  const b = hostTensor('float32', [outputs, rank]);
  let at = 0;
  parts.forEach((part, i) => {
    const own = ranks[i]!;
    a.data.set(part.a.data, at * inputs);
    for (let row = 0; row < outputs; row++)
      b.data.set(part.b.data.subarray(row * own, (row + 1) * own), row * rank + at);
    at += own;
  });
  const stretches = parts.flatMap(({ stretch }) => stretch ?? []);
  if (stretches.length === 0) return { a, b };
  const stretch = hostTensor('float32', [outputs]);
  for (const { data } of stretches) for (let row = 0; row < outputs; row++) stretch.data[row]! += data[row]!;
  return { a, b, stretch };
}
