import type { Tensor } from '../graph/index.ts';
import { type ExternalData, lower } from '../onnx/index.ts';
import type { Program, Runtime } from '../runtime/types.ts';

/** Where a model's weights are. */
export interface ModelWeights {
  /** Real path of the folder with the files. */
  readonly folder: string;
  readonly places: ReadonlyMap<string, ExternalData>;
}

/**
 * A program for inference, whose weights stay in their files.
 * @param options.inPlace as in `Runtime.compile`
 * @param options.exact weights in few bits count as exactly the numbers that they stand for, forwards as backwards: slower, and
 *   needed where a program holds gradients
 * @throws DeviceError when the engine refuses the program
 */
export async function compileFromFiles(
  runtime: Runtime,
  outputs: Readonly<Record<string, Tensor>>,
  weights: ModelWeights,
  { exact = false, ...options }: { readonly inPlace?: boolean; readonly exact?: boolean } = {},
): Promise<Program> {
  const device = runtime.device === 'webgpu' ? 'webgpu' : 'cpu';
  const source = lower(outputs, { device, external: (name) => weights.places.get(name), training: exact });
  // Graphs with gradients are as training has them: fused operators are in them already.
  const optimization = exact ? 'basic' : 'all';
  return runtime.compile({ ...source, externalFolder: weights.folder }, { optimization, ...options });
}
