import { hostTensor, type HostTensor } from '../../src/core/index.ts';
import type { Tensor } from '../../src/graph/index.ts';
import { lower } from '../../src/onnx/index.ts';
import type { Program, Runtime } from '../../src/runtime/types.ts';

/** A float32 tensor from numbers. */
export function floats(shape: readonly number[], values: Iterable<number>): HostTensor<'float32'> {
  return hostTensor('float32', shape, Float32Array.from(values));
}

/** An int64 tensor from integers. */
export function integers(shape: readonly number[], values: readonly number[]): HostTensor<'int64'> {
  return hostTensor('int64', shape, BigInt64Array.from(values, BigInt));
}

export type Given = Readonly<Record<string, HostTensor>>;

/** A graph made ready to run. */
export async function compiled(runtime: Runtime, outputs: Readonly<Record<string, Tensor>>): Promise<Program> {
  return await runtime.compile(lower(outputs), { optimization: 'disabled', memoryPattern: false });
}

/** Runs a program once and reads everything. Tensors that it does not take are ignored. */
export async function run(runtime: Runtime, program: Program, given: Given): Promise<Record<string, HostTensor>> {
  const values = await Promise.all(
    program.inputs.map(
      async ({ name }) => [name, await runtime.allocate(given[name]!.dtype, given[name]!.shape, given[name])] as const,
    ),
  );
  const results = await program.run(Object.fromEntries(values));
  const read: Record<string, HostTensor> = {};
  for (const [name, value] of Object.entries(results)) read[name] = await value.read();
  for (const value of [...values.map(([, each]) => each), ...Object.values(results)]) value.dispose();
  return read;
}

/** Compiles, runs once, reads. */
export async function evaluate(
  runtime: Runtime,
  outputs: Readonly<Record<string, Tensor>>,
  given: Given,
): Promise<Record<string, HostTensor>> {
  const program = await compiled(runtime, outputs);
  const results = await run(runtime, program, given);
  program.dispose();
  return results;
}
