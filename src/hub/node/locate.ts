import { basename, dirname } from 'node:path';
import { CheckpointError, type DType } from '../../core/index.ts';
import type { Weights } from './weights.ts';

/** What a model expects of a weight. */
export interface ExpectedWeight {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Where a weight lies in a file of the folder. */
export interface WeightPlace {
  /** Name of the file. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
  readonly dtype: DType;
}

/** Where weights lie: one folder, and a place in one of its files for each of them. */
export interface LocatedWeights {
  readonly folder: string;
  readonly places: ReadonlyMap<string, WeightPlace>;
}

/** Types that a graph may convert to the type that the model computes in. */
const FLOATING: readonly DType[] = ['float32', 'float16', 'bfloat16'];

/**
 * Finds every weight of a model in a checkpoint.
 * @param expected by key
 * @throws CheckpointError naming all weights that are missing or of another shape, and the folder
 */
export function locateWeights(weights: Weights, expected: ReadonlyMap<string, ExpectedWeight>): LocatedWeights {
  const places = new Map<string, WeightPlace>();
  const folders = new Set<string>();
  const faults: string[] = [];
  for (const [name, { dtype, shape }] of expected) {
    if (!weights.has(name)) {
      faults.push(`${name} is missing`);
      continue;
    }
    const found = weights.location(name);
    const convertible = FLOATING.includes(found.dtype) && FLOATING.includes(dtype);
    if (found.shape.join() !== shape.join() || (found.dtype !== dtype && !convertible)) {
      faults.push(
        `${name} is ${found.dtype}[${found.shape.join(', ')}], config.json asks for ${dtype}[${shape.join(', ')}]`,
      );
    }
    folders.add(dirname(found.path));
    places.set(name, {
      location: basename(found.path),
      offset: found.offset,
      length: found.byteLength,
      dtype: found.dtype,
    });
  }
  if (faults.length > 0) {
    const more = faults.length > 8 ? `; and ${faults.length - 8} more` : '';
    throw new CheckpointError(
      `${weights.folder}: ${faults.length} weights do not fit: ${faults.slice(0, 8).join('; ')}${more}`,
      'use the config.json that was saved with these weights',
    );
  }
  const [only, other] = folders;
  if (only === undefined || other !== undefined)
    throw new CheckpointError(`${weights.folder}: its weights lie in several folders`, 'put all files into one folder');
  return { folder: only, places };
}
