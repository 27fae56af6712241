/** What objectives that hold pictures against concepts and descriptions read, from what samples know. */
// I pictures, K regions of a picture, N attributes of a region, P patches of a picture, C concepts, L tokens of a description
import { DataError, hostTensor, type HostTensor } from '../../core/index.ts';
import type { CheckpointTokenizer, RelativeBox, Sample } from '../../data/index.ts';
import { endedTexts } from '../../models/index.ts';
import { IGNORED } from '../../train/index.ts';

/** What the sources know of regions. */
export interface RegionClasses {
  readonly concepts: number;
  /** Classes of each attribute. */
  readonly attributes: readonly number[];
}

export interface MatchingShape {
  /** K: regions of a picture, at most; further ones are left out. */
  readonly regions: number;
  /** Patches on a picture's side. */
  readonly side: number;
  /** L. */
  readonly captionLength: number;
  /** C. */
  readonly concepts: number;
  /** N: attributes of a region that are learned; 0 for none. */
  readonly attributes: number;
}

/**
 * @param samples each of one picture
 * @param endToken ends a description
 * @throws DataError naming the sample that has more or fewer pictures, or no description
 */
export function matchingTensors(
  samples: readonly Sample[],
  tokenizer: CheckpointTokenizer,
  endToken: number,
  shape: MatchingShape,
): Record<string, HostTensor> {
  const { regions, side, captionLength, concepts, attributes } = shape;
  const count = samples.length;
  const patches = side * side;
  const weights = hostTensor('float32', [count, regions, patches]);
  const labels = hostTensor('int64', [count * regions], new BigInt64Array(count * regions).fill(BigInt(IGNORED)));
  const slots = attributes * count * regions;
  const classes = hostTensor('int64', [attributes, count * regions], new BigInt64Array(slots).fill(BigInt(IGNORED)));
  const descriptions: string[] = [];
  const shown = hostTensor('float32', [count, concepts]);
  for (const [i, { id, pictures, regions: known = [], captions }] of samples.entries()) {
    const caption = captions?.[0];
    if (pictures.length !== 1 || caption === undefined)
      throw new DataError(
        `${id}: matching needs samples of one picture with a description`,
        'leave the matching objectives out for these data',
      );
    for (const [k, { box, concept, attributes: told = [] }] of known.slice(0, regions).entries()) {
      writeOverlap(box, side, weights.data.subarray((i * regions + k) * patches, (i * regions + k + 1) * patches));
      if (concept !== undefined) labels.data[i * regions + k] = BigInt(concept);
      for (let a = 0; a < attributes; a++)
        if ((told[a] ?? -1) >= 0) classes.data[(a * count + i) * regions + k] = BigInt(told[a]!);
    }
    for (const { concept } of known) if (concept !== undefined) shown.data[i * concepts + concept] = 1;
    descriptions.push(caption);
  }
  const { ids, ends } = endedTexts(descriptions, tokenizer, endToken, captionLength);
  return {
    region_weights: weights,
    region_concepts: labels,
    ...(attributes === 0 ? {} : { region_attributes: classes }),
    caption_ids: ids,
    caption_ends: ends,
    shown,
  };
}

/** How much of the box lies in each patch; the sum is one. */
export function writeOverlap([left, top, right, bottom]: RelativeBox, side: number, out: Float32Array): void {
  let sum = 0;
  for (let row = 0; row < side; row++) {
    const height = Math.max(0, Math.min(bottom * side, row + 1) - Math.max(top * side, row));
    for (let column = 0; height > 0 && column < side; column++) {
      const width = Math.max(0, Math.min(right * side, column + 1) - Math.max(left * side, column));
      out[row * side + column] = width * height;
      sum += width * height;
    }
  }
  if (sum > 0) for (let i = 0; i < out.length; i++) out[i]! /= sum;
}
