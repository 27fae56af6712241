import { DataError, type HostTensor } from '../../core/index.ts';
import type { DatasetDescription } from '../../data/index.ts';
import { openLoader } from '../../data/node/index.ts';
import { FIGURE, lossGraph, loweringDevice } from '../../train/index.ts';
import type { Program, Runtime, Value } from '../../runtime/types.ts';
import { signatureOf, type Trainable } from '../../train/index.ts';

const BATCH = 64;

/**
 * Means of the loss and its figures over a dataset, without training: dropout is off, and negatives are the hardest ones.
 * @param trainable a model of the same shapes as the trained one, without momentum
 * @param weights by the paths of `trainable.model`
 * @throws DataError for a dataset smaller than a batch
 */
export async function meanFigures(
  runtime: Runtime,
  trainable: Trainable,
  weights: Readonly<Record<string, HostTensor>>,
  description: DatasetDescription,
  options: { workers: number; interrupt?: AbortSignal | undefined },
): Promise<Record<string, number>> {
  const loader = await openLoader(description, { seed: 0, batchSize: BATCH, epochs: 1, workers: options.workers });
  const values: Record<string, Value> = {};
  let program: Program | undefined;
  const sums: Record<string, number> = {};
  let batches = 0;
  try {
    for (;;) {
      options.interrupt?.throwIfAborted();
      const loaded = await loader.next();
      if (loaded === undefined) break;
      const { tensors } = loaded.batch;
      if (program === undefined) {
        trainable.model.parameters();
        const graph = lossGraph(trainable, signatureOf(loaded.batch), loweringDevice(runtime.device));
        program = await runtime.compile(graph, { optimization: 'all' });
        for (const { name } of program.inputs) {
          const value = tensors[name] ?? weights[name];
          if (value === undefined) throw new DataError(`the loss reads '${name}', which is not there`);
          values[name] = await runtime.allocate(value.dtype, value.shape, value);
        }
      }
      for (const [name, value] of Object.entries(values))
        if (tensors[name] !== undefined) await value.write(tensors[name]);
      const results = await program.run(values);
      for (const [name, value] of Object.entries(results)) {
        const plain = name.startsWith(FIGURE) ? name.slice(FIGURE.length) : name;
        sums[plain] = (sums[plain] ?? 0) + ((await value.read()).data[0] as number);
        value.dispose();
      }
      batches++;
    }
  } finally {
    await loader.close();
    program?.dispose();
    for (const value of Object.values(values)) value.dispose();
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / batches]));
}
