/** Samples that say and show the same, pictures that were only made smaller or packed anew included. */
import { onBackground, type Picture } from './image.ts';
import { resize } from './resize.ts';
import type { Sample } from './samples.ts';

/** What a picture looks like in a few bytes. */
export interface PictureSignature {
  /** 64 signs: whether brightness grows from one field of a grid of 9 × 8 to the next (dHash, N. Krawetz 2013). */
  readonly hash: readonly [high: number, low: number];
  /** Mean of red, green and blue, without which plain pictures of all colours would be alike. */
  readonly mean: readonly [number, number, number];
}

/** What a sample says and shows. */
export interface SampleSignature {
  readonly pictures: readonly PictureSignature[];
  /** Without capitals, signs and spaces. */
  readonly text: string;
}

/** A sample that an earlier one makes needless. */
export interface Duplicate {
  readonly index: number;
  /** The earlier one. */
  readonly of: number;
}

/** By what samples are the same. */
export type DuplicateKey = 'pictures' | 'text' | 'both';

/** Most that means of colours may differ, of 255. */
const MEAN_TOLERANCE = 6;
/** Most of the 64 signs that may differ: each of 4 bands of 16 could then hold one, and the next one more would be missed. */
export const MAX_DISTANCE = 3;

export function pictureSignature(source: Picture): PictureSignature {
  const opened = onBackground(source);
  const { data } = resize(opened, 9, 8, 'box');
  const grey = (x: number, y: number): number => {
    const at = (y * 9 + x) * 3;
    return 299 * data[at]! + 587 * data[at + 1]! + 114 * data[at + 2]!;
  };
  const words: [number, number] = [0, 0];
  for (let y = 0; y < 8; y++)
    // What differs by less than two grey levels is noise of packing and not a sign.
    for (let x = 0; x < 8; x++) if (grey(x + 1, y) - grey(x, y) > 2000) words[y >> 2]! |= 1 << ((y & 3) * 8 + x);
  const mean = [0, 1, 2].map((c) => {
    let sum = 0;
    for (let i = c; i < data.length; i += 3) sum += data[i]!;
    return Math.round(sum / 72);
  }) as [number, number, number];
  return { hash: [words[0] >>> 0, words[1] >>> 0], mean };
}

/** @param pictures of the sample, opened */
export function sampleSignature(sample: Sample, pictures: readonly Picture[]): SampleSignature {
  const said = sample.conversations.flatMap((turns) =>
    turns.map(
      ({ role, content }) =>
        `${role} ${content.map((part) => (part.type === 'text' ? part.text : part.type === 'box' ? part.box.join(' ') : '')).join(' ')}`,
    ),
  );
  return { pictures: pictures.map(pictureSignature), text: normalText(said.join('\n')) };
}

/** A text without what does not change its meaning: capitals, signs, spaces, forms of letters. */
export function normalText(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{S}]+/gu, ' ')
    .trim();
}

/**
 * Samples to which an earlier one is equal, each with the first such.
 * @param distance signs of pictures that may differ, 0 to {@link MAX_DISTANCE}
 */
export function findDuplicates(samples: readonly SampleSignature[], by: DuplicateKey, distance = 2): Duplicate[] {
  const found: Duplicate[] = [];
  const buckets = new Map<string, number[]>();
  for (const [index, sample] of samples.entries()) {
    const keys = bucketKeys(sample, by);
    const of = keys
      .flatMap((key) => buckets.get(key) ?? [])
      .filter((each) => isAlike(samples[each]!, sample, by, distance));
    if (of.length > 0) {
      // What is left out is no longer compared with.
      found.push({ index, of: of.reduce((a, b) => Math.min(a, b)) });
      continue;
    }
    for (const key of keys) {
      const bucket = buckets.get(key);
      if (bucket === undefined) buckets.set(key, [index]);
      else bucket.push(index);
    }
  }
  return found;
}

/** Where samples that may be alike meet: by text, or by any quarter of the first picture's signs. */
function bucketKeys({ pictures: [first, ...others], text }: SampleSignature, by: DuplicateKey): string[] {
  if (by === 'text') return text === '' ? [] : [text];
  const said = by === 'both' ? text : '';
  if (first === undefined) return by === 'both' && text !== '' ? [`0 ${text}`] : [];
  const [high, low] = first.hash;
  return [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff].map(
    (band, i) => `${others.length + 1} ${i} ${band} ${said}`,
  );
}

function isAlike(a: SampleSignature, b: SampleSignature, by: DuplicateKey, distance: number): boolean {
  if (by !== 'pictures' && a.text !== b.text) return false;
  if (by === 'text') return true;
  return (
    a.pictures.length === b.pictures.length &&
    a.pictures.every(({ hash, mean }, i) => {
      const other = b.pictures[i]!;
      const isNear = mean.every((value, c) => Math.abs(value - other.mean[c]!) <= MEAN_TOLERANCE);
      return isNear && ones(hash[0] ^ other.hash[0]) + ones(hash[1] ^ other.hash[1]) <= distance;
    })
  );
}

/** Set bits of 32. */
function ones(value: number): number {
  let count = 0;
  for (let rest = value >>> 0; rest !== 0; rest = (rest & (rest - 1)) >>> 0) count++;
  return count;
}
