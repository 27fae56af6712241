import { DeviceError, elementCount, ShapeError, type DType, type HostTensor } from '../core/index.ts';
import type { TensorSpec, Value } from './types.ts';

function show(dtype: DType, shape: readonly (number | string)[]): string {
  return `${dtype} [${shape.join(', ')}]`;
}

/** Whether a static shape is one of those that a spec allows. */
export function shapeFits(spec: readonly (number | string)[], shape: readonly number[]): boolean {
  if (spec.length !== shape.length) return false;
  for (let i = 0; i < spec.length; i++) {
    if (typeof spec[i] === 'number' && spec[i] !== shape[i]) return false;
  }
  return true;
}

/** The shape of a spec when all its sizes are numbers. */
export function staticShape(spec: TensorSpec): readonly number[] | undefined {
  return spec.shape.every((size) => typeof size === 'number') ? (spec.shape as readonly number[]) : undefined;
}

/** @throws ShapeError when a value is not what the program takes or gives under that name. */
export function checkValue(kind: 'input' | 'output', spec: TensorSpec, value: Pick<Value, 'dtype' | 'shape'>): void {
  if (value.dtype !== spec.dtype || !shapeFits(spec.shape, value.shape)) {
    throw new ShapeError(
      `${kind} "${spec.name}" is ${show(spec.dtype, spec.shape)}, the value given is ${show(value.dtype, value.shape)}`,
      'give a value of the type and the shape that the program was compiled for',
    );
  }
}

export function missingInput(name: string, specs: readonly TensorSpec[]): ShapeError {
  return new ShapeError(
    `no value for input "${name}"`,
    `the program takes: ${specs.map((spec) => spec.name).join(', ') || 'nothing'}`,
  );
}

/** @throws ShapeError when `given` has a name that no spec has. */
export function checkNames(kind: 'input' | 'output', specs: ReadonlyMap<string, number>, given: object): void {
  for (const name in given) {
    if (!specs.has(name)) {
      throw new ShapeError(`the program has no ${kind} "${name}"`, `it has: ${[...specs.keys()].join(', ') || 'none'}`);
    }
  }
}

/** @throws ShapeError when a value given for an output does not fit, or is given for two. */
export function checkOutputs(specs: readonly TensorSpec[], given: readonly (Value | undefined)[]): void {
  const seen = new Set<Value>();
  for (const [j, value] of given.entries()) {
    if (value === undefined) continue;
    checkValue('output', specs[j]!, value);
    if (seen.has(value)) throw new ShapeError(`one value was given for two outputs, one of them "${specs[j]!.name}"`);
    seen.add(value);
  }
}

/** @throws ShapeError when host data cannot be written to, or read from, a value. */
export function checkHost(value: Pick<Value, 'dtype' | 'shape'>, host: HostTensor): void {
  const same = host.shape.length === value.shape.length && host.shape.every((size, i) => size === value.shape[i]);
  if (host.dtype !== value.dtype || !same || host.data.length !== elementCount(value.shape)) {
    throw new ShapeError(
      `the value is ${show(value.dtype, value.shape)}, the host tensor is ${show(host.dtype, host.shape)} ` +
        `with ${host.data.length} elements`,
      'types and shapes must be equal',
    );
  }
}

/** @throws ShapeError unless every size is a whole number that is not negative. */
export function checkShape(shape: readonly number[]): void {
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0) throw new ShapeError(`[${shape.join(', ')}] is no shape of a tensor`);
  }
}

export function disposedError(what: string): DeviceError {
  return new DeviceError(`this ${what} was disposed of`, 'keep it until its last use');
}
