import { basename, dirname } from 'node:path';
import { CheckpointError, type DType } from '../../core/index.ts';
import { type ExpectedTensor, matchTensors, type NamingRules } from '../account.ts';
import type { WeightLocation, Weights } from './weights.ts';

/** Where a weight lies in a file of the folder. */
export interface WeightPlace {
  /** Name of the file. */
  readonly location: string;
  /** Bytes from the start of the file. */
  readonly offset: number;
  /** Bytes. */
  readonly length: number;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Set for a matrix in few bits: the place is then that of its packed numbers. */
  readonly quantized?: {
    readonly bits: 4 | 8;
    readonly block: number;
    readonly scales: WeightPlace;
    readonly zeroPoints?: WeightPlace;
  };
}

/** Where weights lie: one folder, and a place in one of its files for each name. */
export interface LocatedWeights {
  /** Real path, without symbolic links: the engine refuses them. */
  readonly folder: string;
  readonly places: ReadonlyMap<string, WeightPlace>;
}

/**
 * Finds every weight of a model in a checkpoint, without reading any.
 * @param expected parameters by path
 * @returns places by path of the parameter
 * @throws TensorAccountError when any is missing, left over or of another shape
 */
export function locateWeights(
  weights: Weights,
  expected: ReadonlyMap<string, ExpectedTensor>,
  rules: NamingRules,
): LocatedWeights {
  const found = weights.names.map((name) => weights.location(name));
  return placesOf(weights, matchTensors(expected, found, rules, weights.folder).names);
}

/** Finds every tensor. @returns places by name of the tensor  @throws CheckpointError when they lie in several folders */
export function locateTensors(weights: Weights): LocatedWeights {
  return placesOf(weights, new Map(weights.names.map((name) => [name, name])));
}

function placesOf(weights: Weights, names: ReadonlyMap<string, string>): LocatedWeights {
  const places = new Map<string, WeightPlace>();
  const folders = new Set<string>();
  for (const [key, name] of names) {
    const location = weights.location(name);
    for (const part of [location, location.quantized?.scales, location.quantized?.zeroPoints])
      if (part !== undefined) folders.add(dirname(part.path));
    places.set(key, placeOf(location));
  }
  const [only, other] = folders;
  if (other !== undefined)
    throw new CheckpointError(`${weights.folder}: its weights lie in several folders`, 'put all files into one folder');
  return { folder: only ?? weights.folder, places };
}

function placeOf({ path, offset, byteLength: length, dtype, shape, quantized }: WeightLocation): WeightPlace {
  const place = { location: basename(path), offset, length, dtype, shape };
  if (quantized === undefined) return place;
  const { format, scales, zeroPoints } = quantized;
  const parts = { scales: placeOf(scales), ...(zeroPoints && { zeroPoints: placeOf(zeroPoints) }) };
  return { ...place, quantized: { bits: format.bits, block: format.block, ...parts } };
}
