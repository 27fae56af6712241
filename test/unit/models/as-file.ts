import type { TensorDescription } from '../../../src/hub/index.ts';
import type { Module } from '../../../src/nn/index.ts';

/** A model's parameters as a file would list them. */
export function asFile(model: Module): TensorDescription[] {
  return [...model.parameters()].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
}
