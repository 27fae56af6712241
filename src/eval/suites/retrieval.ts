// N pairs, E width of the shared space
import { DataError } from '../../core/index.ts';

/** For each picture and for each text the chance that its own partner comes first. */
export interface FirstRanks {
  /** [N]: of all texts the picture's own comes first. */
  readonly imageToText: readonly number[];
  /** [N] */
  readonly textToImage: readonly number[];
}

/**
 * Recall at 1 pair by pair. Where k partners are equally near and the right one is among them, it counts 1/k, as if one of
 * them were taken by chance: vectors that are all the same find 1 of N.
 * @param pictures N vectors of length 1 (E)  @param texts as many, text i belonging to picture i
 * @throws DataError when numbers or widths differ, or a number is not finite
 */
export function firstRanks(pictures: readonly Float32Array[], texts: readonly Float32Array[]): FirstRanks {
  const width = pictures[0]?.length ?? 0;
  if (pictures.length !== texts.length || width === 0)
    throw new DataError(`${pictures.length} pictures cannot be paired with ${texts.length} texts`);
  if ([...pictures, ...texts].some((vector) => vector.length !== width || !vector.every(Number.isFinite)))
    throw new DataError('vectors of pictures and texts differ in width or are not finite', 'check the model');
  return { imageToText: chances(pictures, texts), textToImage: chances(texts, pictures) };
}

function chances(from: readonly Float32Array[], to: readonly Float32Array[]): number[] {
  return from.map((vector, own) => {
    const right = dot(vector, to[own]!);
    let equal = 0;
    for (const other of to) {
      const value = dot(vector, other);
      if (value > right) return 0;
      if (value === right) equal++;
    }
    return 1 / equal;
  });
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
