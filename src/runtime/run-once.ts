import type { HostTensor } from '../core/index.ts';
import type { Program, Runtime, Value } from './types.ts';

/**
 * Runs a program on tensors in ordinary memory, and brings all that it gives back there.
 * @param values of further inputs, which stay
 * @throws ShapeError when an input is missing or does not fit, DeviceError when the run fails
 */
export async function runOnce(
  runtime: Runtime,
  program: Program,
  tensors: Readonly<Record<string, HostTensor>>,
  values: Readonly<Record<string, Value>> = {},
): Promise<Record<string, HostTensor>> {
  const inputs: Record<string, Value> = {};
  let outputs: Record<string, Value> = {};
  try {
    for (const [name, tensor] of Object.entries(tensors))
      inputs[name] = await runtime.allocate(tensor.dtype, tensor.shape, tensor);
    outputs = await program.run({ ...values, ...inputs });
    const results: Record<string, HostTensor> = {};
    for (const [name, value] of Object.entries(outputs)) results[name] = await value.read();
    return results;
  } finally {
    for (const value of [...Object.values(inputs), ...Object.values(outputs)]) value.dispose();
  }
}
