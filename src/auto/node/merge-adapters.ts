// D inputs of a layer, E its outputs
import {
  CheckpointError,
  convertFloats,
  type HostTensor,
  hostTensor,
  isWeightDType,
  toFloat32,
  type WeightDType,
} from '../../core/index.ts';
import { matchTensors } from '../../hub/index.ts';
import {
  locateWeights,
  openCheckpoint,
  saveCheckpoint,
  type SaveOptions,
  type TensorStream,
  weightStreams,
} from '../../hub/node/index.ts';
import { type AdapterLayerNumbers, changedRow, lengthFactors, type LoadedAdapter } from '../adapters.ts';
import { createModel } from '../architectures.ts';
import { readAdapterNumbers } from './adapters.ts';

/** An adapter's folder and how strongly it counts; 1 is as it was trained. */
export interface AdapterFolder {
  readonly folder: string;
  readonly weight?: number;
}

/**
 * Writes a checkpoint whose weights hold what adapters change, so that it needs them no more. Tensors keep their types and
 * names; all else is copied.
 * @param base folder of the model  @param target folder to be made
 * @throws CheckpointError when files are damaged or do not fit together, the model is in few bits, or the disk is full
 */
export async function mergeAdapters(
  base: string,
  adapters: readonly AdapterFolder[],
  target: string,
  options: Pick<SaveOptions, 'overwrite' | 'signal'> = {},
): Promise<{ readonly layers: number }> {
  const checkpoint = await openCheckpoint(base);
  try {
    if (checkpoint.weights.quantized.size > 0)
      throw new CheckpointError(
        `${base} holds its matrices in few bits`,
        'merge into the checkpoint that it was made of, and quantize the result',
      );
    const { model, names } = createModel(checkpoint.config, `${base}/config.json`);
    const parameters = model.parameters();
    const weights = locateWeights(checkpoint.weights, parameters, names);
    const loaded: (readonly [LoadedAdapter, number])[] = [];
    for (const { folder, weight = 1 } of adapters)
      loaded.push([await readAdapterNumbers({ model, weights, names }, folder), weight]);
    const found = checkpoint.weights.names.map((name) => checkpoint.weights.location(name));
    const nameOf = matchTensors(parameters, found, names, base).names;
    const changes = new Map<string, (readonly [AdapterLayerNumbers, number])[]>();
    for (const [{ layers }, weight] of loaded)
      for (const [path, layer] of layers) {
        const name = nameOf.get(`${path}.weight`)!;
        changes.set(name, [...(changes.get(name) ?? []), [layer, weight]]);
      }
    const tensors = weightStreams(checkpoint.weights).map((stream) => {
      const own = changes.get(stream.name);
      return own === undefined ? stream : changedStream(stream, () => checkpoint.weights.read(stream.name), own);
    });
    const parts = { config: checkpoint.config, tensors, companionsOf: checkpoint.folder };
    await saveCheckpoint(target, parts, { ...options, metadata: { ...checkpoint.weights.metadata } });
    return { layers: changes.size };
  } finally {
    await checkpoint.weights.close();
  }
}

function changedStream(
  { name, dtype, shape }: TensorStream,
  read: () => Promise<HostTensor>,
  changes: readonly (readonly [AdapterLayerNumbers, number])[],
): TensorStream {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    const { data } = await read();
    const type = dtype as WeightDType;
    if (!isWeightDType(dtype)) throw new CheckpointError(`${name} holds ${dtype}, to which nothing can be added`);
    const before = toFloat32(type, data as Float32Array);
    const after = merged(hostTensor('float32', shape, before), changes);
    const { buffer, byteOffset, byteLength } = convertFloats('float32', type, after);
    yield new Uint8Array(buffer, byteOffset, byteLength);
  }
  return { name, dtype, shape, pieces };
}

/** W + Σ t s B A; with DoRA each adapter adds what it makes of W alone, as when it is not merged. */
function merged(
  weight: HostTensor<'float32'>,
  changes: readonly (readonly [AdapterLayerNumbers, number])[],
): Float32Array {
  const [outputs, inputs] = weight.shape as readonly [number, number];
  const sum = weight.data.slice();
  const row = new Float32Array(inputs);
  for (const [{ a, b, scaling, dora }, factor] of changes) {
    const lengths = dora && lengthFactors(dora, factor);
    for (let i = 0; i < outputs; i++) {
      changedRow(row, a, b, scaling * factor, i);
      const length = lengths?.[i] ?? 1;
      for (let j = 0; j < inputs; j++) {
        const at = i * inputs + j;
        sum[at] = sum[at]! + (length - 1) * weight.data[at]! + length * row[j]!;
      }
    }
  }
  return sum;
}
