import { basename, dirname } from 'node:path';
import { CheckpointError, type DType } from '../../core/index.ts';
import { type ExpectedTensor, matchTensors, type NamingRules } from '../account.ts';
import type { Weights } from './weights.ts';

/** Where a weight lies in a file of the folder. */
export interface WeightPlace {
  /** Name of the file. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
  readonly dtype: DType;
}

/** Where weights lie: one folder, and a place in one of its files for each path of a parameter. */
export interface LocatedWeights {
  /** Real path. */
  readonly folder: string;
  readonly places: ReadonlyMap<string, WeightPlace>;
}

/**
 * Finds every weight of a model in a checkpoint, without reading any.
 * @param expected parameters by path
 * @throws TensorAccountError when any is missing, left over or of another shape
 */
export function locateWeights(
  weights: Weights,
  expected: ReadonlyMap<string, ExpectedTensor>,
  rules: NamingRules,
): LocatedWeights {
  const found = weights.names.map((name) => weights.location(name));
  const account = matchTensors(expected, found, rules, weights.folder);
  const places = new Map<string, WeightPlace>();
  const folders = new Set<string>();
  for (const [path, name] of account.names) {
    const { path: file, offset, byteLength, dtype } = weights.location(name);
    folders.add(dirname(file));
    places.set(path, { location: basename(file), offset, length: byteLength, dtype });
  }
  const [only, other] = folders;
  if (only === undefined || other !== undefined)
    throw new CheckpointError(`${weights.folder}: its weights lie in several folders`, 'put all files into one folder');
  return { folder: only, places };
}
