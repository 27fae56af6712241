// I pictures, P patches of a picture, E width of the vision tower
import { hostTensor, type HostTensor, TrainingError } from '../../../core/index.ts';
import { input, mul, reduceMean } from '../../../graph/index.ts';
import { type PatchStatistics, type ReadingModel, SensoriumVL, standardizedTower } from '../../../models/index.ts';
import { lower } from '../../../onnx/index.ts';
import { runOnce } from '../../../runtime/run-once.ts';
import type { Runtime } from '../../../runtime/types.ts';
import { type ConversationsOptions, create, prepare } from '../../conversations/node/dataset.ts';
import { NETWORK } from '../parts.ts';

/** Batches that are looked at, and pictures in each: 50,000 patches of the starter's tower. */
const BATCHES = 16;
const PICTURES = 16;

/**
 * First weights whose vision tower gives features of mean 0 and deviation 1 over the data.
 * @param weights by their paths within the objective  @param data what is trained on
 * @param network of the objective, whose weights know these paths
 * @returns the weights that change  @throws TrainingError for a model of another type
 */
export async function standardized(
  weights: Readonly<Record<string, HostTensor>>,
  data: ConversationsOptions,
  { runtime, network }: { readonly runtime: Runtime; readonly network: ReadingModel },
): Promise<Record<string, HostTensor>> {
  if (!(network instanceof SensoriumVL))
    throw new TrainingError(
      `${data.model}: only models of type sensorium_vl have features that can be standardised`,
      'leave model.standardize out',
    );
  return standardizedTower(weights, await patchStatistics(network, weights, data, runtime), NETWORK);
}

/** Means over pictures and patches, each [E]. */
async function patchStatistics(
  network: SensoriumVL,
  weights: Readonly<Record<string, HostTensor>>,
  data: ConversationsOptions,
  runtime: Runtime,
): Promise<PatchStatistics> {
  const { imageSize, width } = network.config.vision;
  const patches = network.patches(input('pixel_values', 'float32', [PICTURES, 3, imageSize, imageSize]));
  const program = await runtime.compile(
    lower({ mean: reduceMean(patches, [0, 1]), square: reduceMean(mul(patches, patches), [0, 1]) }),
  );
  const dataset = await create(data, await prepare(data));
  const mean = hostTensor('float32', [width]);
  const variance = hostTensor('float32', [width]);
  try {
    for (let i = 0; i < BATCHES; i++) {
      const { tensors } = await dataset.batch({ seed: data.seed, epoch: 0, index: i * PICTURES }, PICTURES);
      const given: Readonly<Record<string, HostTensor>> = { ...weights, pixel_values: tensors['pixel_values']! };
      const means = await runOnce(
        runtime,
        program,
        Object.fromEntries(program.inputs.map(({ name }) => [name, given[name]!])),
      );
      for (let e = 0; e < width; e++) {
        mean.data[e]! += (means['mean']!.data as Float32Array)[e]! / BATCHES;
        variance.data[e]! += (means['square']!.data as Float32Array)[e]! / BATCHES;
      }
    }
  } finally {
    program.dispose();
    await dataset.close();
  }
  for (let e = 0; e < width; e++) variance.data[e]! -= mean.data[e]! ** 2;
  return { mean, variance };
}
