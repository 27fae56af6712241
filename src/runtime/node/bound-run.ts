import koffi from 'koffi';
import type { TensorSpec } from '../types.ts';
import { allocateWords, freeWords, type EngineLibrary, type Pointer, type Words } from './engine-library.ts';

/**
 * Runs a session whose outputs shall stay on a device although their sizes are not known beforehand: plain runs would
 * bring such outputs to ordinary memory. Handles of outputs that are null receive the engine's new tensors.
 */
export async function runBound(
  engine: EngineLibrary,
  session: Pointer,
  inputs: readonly TensorSpec[],
  outputs: readonly TensorSpec[],
  handles: Words,
  device: Pointer,
): Promise<void> {
  const binding = engine.create('CreateIoBinding', session);
  const answer = allocateWords(2);
  try {
    for (const [i, spec] of inputs.entries()) engine.call('BindInput', binding, spec.name, handles.words[i]!);
    for (const [j, spec] of outputs.entries()) {
      const handle = handles.words[inputs.length + j]!;
      if (handle === 0n) engine.call('BindOutputToDevice', binding, spec.name, device);
      else engine.call('BindOutput', binding, spec.name, handle);
    }
    await engine.callAsync('RunWithBinding', session, null, binding);
    engine.call('GetBoundOutputValues', binding, engine.allocator, answer.pointer, answer.pointer + 8n);
    const list = answer.words[0]!;
    const values = new BigInt64Array(koffi.view(list, outputs.length * 8) as ArrayBuffer);
    for (const [j, value] of values.entries()) {
      const at = inputs.length + j;
      if (handles.words[at] === 0n) handles.words[at] = value;
      // The binding hands out a handle of its own for a tensor that was given; the tensor itself stays.
      else engine.release('ReleaseValue', value);
    }
    engine.call('AllocatorFree', engine.allocator, list);
  } finally {
    engine.release('ReleaseIoBinding', binding);
    freeWords(answer);
  }
}
