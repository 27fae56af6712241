/** Between adapters in training and folders in PEFT's form. */
import { type HostTensor, TrainingError } from '../../core/index.ts';
import { nameInMemory, type NamingRules } from '../../hub/index.ts';
import { type StoredAdapter, writeAdapter } from '../../hub/node/index.ts';
import { ADAPTER_PREFIX, attachLora, type LoraAdapter, type Module } from '../../nn/index.ts';

/**
 * Saves an adapter so that PEFT reads it, and `loadAdapter`.
 * @param values of its weights, as `TrainingStep.readWeights` gives them; others are left alone
 * @param options.names how files of its model name tensors  @param options.baseModel the name of its model
 * @throws TrainingError when a value is missing, CheckpointError when the folder cannot be written
 */
export async function saveAdapter(
  folder: string,
  adapter: LoraAdapter,
  values: Readonly<Record<string, HostTensor>>,
  options: { readonly names: NamingRules; readonly baseModel?: string; readonly overwrite?: boolean },
): Promise<void> {
  const { names, baseModel, overwrite = false } = options;
  const { config } = adapter;
  const tensors = new Map<string, HostTensor>();
  const targets: string[] = [];
  const ranks: Record<string, number> = {};
  const alphas: Record<string, number> = {};
  for (const [path, layer] of adapter.layers) {
    const name = nameInMemory(`${path}.weight`, names).slice(0, -'.weight'.length);
    targets.push(name);
    const { rank, alpha } = layer.config;
    if (rank !== config.rank) ranks[name] = rank;
    if (alpha !== (config.alpha ?? config.rank)) alphas[name] = alpha;
    const parts = {
      'lora_A.weight': layer.a,
      'lora_B.weight': layer.b,
      ...(layer.magnitude === undefined ? {} : { lora_magnitude_vector: layer.magnitude }),
    };
    for (const [part, parameter] of Object.entries(parts)) {
      const value = values[parameter.path];
      if (value === undefined)
        throw new TrainingError(`there are no values of ${parameter.path}`, 'give the weights of the training step');
      tensors.set(`${ADAPTER_PREFIX}${name}.${part}`, value);
    }
  }
  const settings = {
    rank: config.rank,
    alpha: config.alpha ?? config.rank,
    dropout: config.dropout ?? 0,
    rankStabilized: config.rankStabilized ?? false,
    dora: config.dora ?? false,
    // Written out: whoever reads them needs no list of the model's layers, and no pattern means more than was trained.
    targets,
    ranks,
    alphas,
    baseModel,
  };
  await writeAdapter(folder, settings, tensors, { overwrite });
}

/**
 * Attaches an adapter that was saved, to be trained further.
 * @returns it, and the values of its weights
 */
export function attachStored(
  model: Module,
  { settings, layers }: StoredAdapter,
  name = 'default',
): { readonly adapter: LoraAdapter; readonly values: Record<string, HostTensor> } {
  const ranks: Record<string, number> = {};
  const alphas: Record<string, number> = {};
  for (const [path, { rank, alpha }] of layers) {
    const pattern = `^${path.replaceAll('.', String.raw`\.`)}`;
    ranks[pattern] = rank;
    alphas[pattern] = alpha;
  }
  const { rank, alpha, dropout, rankStabilized, dora } = settings;
  const targets = [...layers.keys()];
  const adapter = attachLora(model, { rank, alpha, dropout, targets, rankStabilized, dora, ranks, alphas }, name);
  const values: Record<string, HostTensor> = {};
  for (const [path, layer] of adapter.layers) {
    const { a, b, magnitude } = layers.get(path)!;
    values[layer.a.path] = a;
    values[layer.b.path] = b;
    if (layer.magnitude !== undefined) values[layer.magnitude.path] = magnitude!;
  }
  return { adapter, values };
}
