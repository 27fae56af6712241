import { GraphError } from '../core/index.ts';
import type { Tensor } from './tensor.ts';

/** What is known while a model is traced: which module is being called, and which tensors it has named. */
interface TraceState {
  readonly path: string[];
  taps: Map<string, Tensor> | undefined;
  block: RematerialisedBlock | undefined;
}

/** A part of the forward pass whose values are computed again in the backward pass instead of being kept. */
export interface RematerialisedBlock {
  readonly inputs: readonly Tensor[];
}

const state: TraceState = { path: [], taps: undefined, block: undefined };

/** The dotted path of the module whose forward pass is being traced; '' outside of any. */
export function currentPath(): string {
  return state.path.filter(Boolean).join('.');
}

/** The rematerialised block being traced, if any. */
export function currentBlock(): RematerialisedBlock | undefined {
  return state.block;
}

/** Calls `body` with `name` as the current module path (absolute, as in checkpoint keys). */
export function inModule<T>(name: string, body: () => T): T {
  const saved = state.path.splice(0, state.path.length, name);
  try {
    return body();
  } finally {
    state.path.splice(0, state.path.length, ...saved);
  }
}

/** Calls `body` as part of `block`. Blocks do not nest: an inner one belongs to the outer one. */
export function inBlock<T>(block: RematerialisedBlock, body: () => T): T {
  if (state.block !== undefined) return body();
  state.block = block;
  try {
    return body();
  } finally {
    state.block = undefined;
  }
}

/**
 * Names an intermediate tensor, so that whoever traces the model can read it or differentiate with respect to it.
 * The full name is the module's path, a dot, and `name`: `text.layers.0.attention.weights`.
 */
export function tap(name: string, tensor: Tensor): Tensor {
  if (state.taps !== undefined) {
    const prefix = currentPath();
    const full = prefix === '' ? name : `${prefix}.${name}`;
    if (state.taps.has(full)) {
      let copy = 2;
      while (state.taps.has(`${full}#${copy}`)) copy++;
      state.taps.set(`${full}#${copy}`, tensor);
    } else {
      state.taps.set(full, tensor);
    }
  }
  return tensor;
}

/** What {@link trace} gives. */
export interface Traced<T> {
  readonly result: T;
  /** Every tensor that a module named, by full name, in the order of tracing. */
  readonly taps: ReadonlyMap<string, Tensor>;
}

/** Runs `body`, which builds a graph, and gathers the tensors that modules name with {@link tap} meanwhile. */
export function trace<T>(body: () => T): Traced<T> {
  if (state.taps !== undefined)
    throw new GraphError('a trace was started inside another one', 'call the inner model directly');
  const taps = new Map<string, Tensor>();
  state.taps = taps;
  try {
    return { result: body(), taps };
  } finally {
    state.taps = undefined;
  }
}
