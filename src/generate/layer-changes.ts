// D inputs of a linear layer, E its outputs, R rank
/** What adapters do to linear layers of a loaded model: values that a program is given, so that they can be exchanged. */
import { GenerationError, hostTensor, type HostTensor } from '../core/index.ts';
import { add, input, matmul, mul, type Tensor, unsqueeze } from '../graph/index.ts';
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
  return withAdaptations(
    model,
    [...changes].map(
      ([path, { stretch }], index) =>
        [path, (layer: Linear) => new Room(path, `R${index}`, layer, stretch !== undefined)] as const,
    ),
    body,
  );
}

function withAdaptations<T>(
  model: { modules(): Map<string, Module> },
  adaptations: readonly (readonly [path: string, (layer: Linear) => LinearAdaptation])[],
  body: () => T,
): T {
  const modules = model.modules();
  const remove: (() => void)[] = [];
  try {
    for (const [path, make] of adaptations) {
      const layer = modules.get(path);
      if (!(layer instanceof Linear))
        throw new GenerationError(
          `the model has no linear layer ${path}`,
          'use the model that the adapter was made for',
        );
      remove.push(layer.adapt(make(layer)));
    }
    return body();
  } finally {
    for (const undo of remove) undo();
  }
}

/** @throws GenerationError when a change is not of a linear layer of the model, or of another shape */
export function checkChanges(model: { modules(): Map<string, Module> }, changes: LayerChanges): void {
  if (changes.size === 0) return;
  const modules = model.modules();
  for (const [path, { a, b }] of changes) {
    const layer = modules.get(path);
    const shape = layer instanceof Linear ? layer.weight.shape : undefined;
    if (shape === undefined || b.shape[0] !== shape[0] || a.shape[1] !== shape[1] || a.shape[0] !== b.shape[1])
      throw new GenerationError(
        `an adapter changes ${path} by [${b.shape.join(', ')}] × [${a.shape.join(', ')}], the model's is ${shape === undefined ? 'no linear layer' : `[${shape.join(', ')}]`}`,
        'use the model that the adapter was made for',
      );
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

/** Names of the inputs by which rows of a batch choose among changes: [B, R] and [B, S], see {@link withRoomForRows}. */
export const ROW_CHOICE = { ranks: 'adapter.ranks', stretches: 'adapter.stretches' } as const;

/**
 * Traces a model with room for S changes at once, of which each row of the batch takes its own: their ranks lie side by side
 * in one pair of matrices, and a row is multiplied by 1 at its own and by 0 at all others. So rows with different adapters,
 * and rows without, are one batch over one set of weights (after Chen et al. 2023, "Punica", arXiv 2310.18547).
 *
 * yᵢ = xᵢ Wᵀ + ((xᵢ Aᵀ) ⊙ mᵢ) Bᵀ + (cᵢ O) ⊙ xᵢ Wᵀ, with mᵢ of {@link ROW_CHOICE}'s ranks, cᵢ of its stretches, O [S, E]
 * @param layers paths, and whether the change of a layer stretches it
 */
export function withRoomForRows<T>(
  model: { modules(): Map<string, Module> },
  layers: ReadonlyMap<string, boolean>,
  body: () => T,
): T {
  const choice: RowChoice = {
    ranks: input(ROW_CHOICE.ranks, 'float32', ['B', 'R']),
    stretches: input(ROW_CHOICE.stretches, 'float32', ['B', 'S']),
  };
  return withAdaptations(
    model,
    [...layers].map(
      ([path, stretches]) => [path, (layer: Linear) => new RowRoom(path, layer, stretches, choice)] as const,
    ),
    body,
  );
}

/** Which changes each row takes, the same for all layers. */
interface RowChoice {
  /** [B, R] */
  readonly ranks: Tensor;
  /** [B, S] */
  readonly stretches: Tensor;
}

class RowRoom implements LinearAdaptation {
  readonly #path: string;
  readonly #shape: readonly [outputs: number, inputs: number];
  readonly #stretches: boolean;
  readonly #choice: RowChoice;

  constructor(path: string, layer: Linear, stretches: boolean, choice: RowChoice) {
    this.#path = path;
    this.#shape = layer.weight.shape as readonly [number, number];
    this.#stretches = stretches;
    this.#choice = choice;
  }

  /** @param x [B, T, D] or [B, D] */
  added(x: Tensor, product: Tensor): Tensor {
    const rank = x.shape.length;
    if (rank !== 2 && rank !== 3)
      throw new GenerationError(
        `the layer ${this.#path} has no row for each answer`,
        'answer with one adapter at a time',
      );
    const perRow = (choice: Tensor): Tensor => (rank === 3 ? unsqueeze(choice, 1) : choice);
    const [outputs, inputs] = this.#shape;
    const part = (name: string, shape: readonly (number | string)[]): Tensor =>
      input(`${INPUT}.${this.#path}.${name}`, 'float32', shape);
    const narrow = matmul(x, part('a', ['R', inputs]), { transB: true });
    const own = mul(narrow, perRow(this.#choice.ranks));
    const change = matmul(own, part('b', [outputs, 'R']), { transB: true });
    if (!this.#stretches) return change;
    const stretch = matmul(this.#choice.stretches, part('stretch', ['S', outputs]));
    return add(change, mul(product, perRow(stretch)));
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
