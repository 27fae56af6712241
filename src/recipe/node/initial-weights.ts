import { CheckpointError, Random, type HostTensor } from '../../core/index.ts';
import { openModelFolder } from '../../hub/node/index.ts';
import { parseFusionConfig } from '../../models/fusion/config.ts';
import type { Module } from '../../nn/index.ts';

/** Property under which an objective keeps the model. */
const NETWORK = 'network.';

/**
 * First values of a training model that begins with a trained one: its weights as far as it has them, the rest drawn from the
 * seed as if it began from nothing.
 * @param model a module whose network lies under `network.`
 * @throws CheckpointError when the folder holds no fusion model, or a weight of another shape
 */
export async function initialWeights(model: Module, folder: string, seed: number): Promise<Record<string, HostTensor>> {
  const { config, weights } = await openModelFolder(folder);
  try {
    parseFusionConfig(config, `${folder}/config.json`);
    const values = model.initialize(new Random(seed));
    for (const [path, drawn] of Object.entries(values)) {
      const name = path.startsWith(NETWORK) ? path.slice(NETWORK.length) : undefined;
      if (name === undefined || !weights.has(name)) continue;
      const known = await weights.read(name);
      if (known.shape.join() !== drawn.shape.join())
        throw new CheckpointError(
          `${folder}: the weight '${name}' is [${known.shape.join(', ')}], the recipe's [${drawn.shape.join(', ')}]`,
          'give the model of the recipe the sizes of the one it begins with',
        );
      values[path] = known;
    }
    return values;
  } finally {
    await weights.close();
  }
}
