import { basename, resolve } from 'node:path';
import { CheckpointError } from '../../core/index.ts';
import type { NamingRules } from '../../hub/index.ts';
import { type AdapterMatrices, type Places, readAdapter, readLocated } from '../../hub/node/index.ts';
import type { Parameter } from '../../nn/index.ts';
import { type AdapterLayerNumbers, type LoadedAdapter, squaresOf } from '../adapters.ts';
import type { LanguageModel } from '../language-model.ts';

/** A model as adapters see it. */
export interface AdaptedWeights {
  readonly model: { parameters(): ReadonlyMap<string, Parameter> };
  readonly weights: Places;
  readonly names: NamingRules;
}

/**
 * Reads an adapter in PEFT's form (`adapter_config.json`, `adapter_model.safetensors`) for a loaded model; give it to
 * {@link LanguageModel.useAdapters}.
 * @throws CheckpointError when it is damaged, of another model, or asks for what is not supported
 */
export async function loadAdapter(model: LanguageModel, folder: string): Promise<LoadedAdapter> {
  const { source } = model.parts;
  if (source === undefined)
    throw new CheckpointError(`${model.name} takes no adapters`, 'load it with `load`, from its folder');
  return readAdapterNumbers(source, folder);
}

/** As {@link loadAdapter}, for a model that is not loaded. */
export async function readAdapterNumbers(
  { model, weights, names }: AdaptedWeights,
  folder: string,
): Promise<LoadedAdapter> {
  const { layers } = await readAdapter(folder, model.parameters(), names);
  const numbers = new Map<string, AdapterLayerNumbers>();
  for (const [path, layer] of layers) numbers.set(path, await withLengths(layer, path, weights));
  return { name: basename(resolve(folder)), layers: numbers };
}

async function withLengths(
  { a, b, scaling, magnitude }: AdapterMatrices,
  path: string,
  weights: Places,
): Promise<AdapterLayerNumbers> {
  if (magnitude === undefined) return { a, b, scaling };
  const own = await readLocated(weights, `${path}.weight`, [b.shape[0]!, a.shape[1]!]);
  const squares = squaresOf(own, { a, b, scaling });
  return { a, b, scaling, dora: { magnitude, squares } };
}
