import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/core/index.ts';
import {
  findDuplicates,
  normalText,
  picture,
  type Picture,
  resize,
  type Sample,
  type SampleSignature,
  sampleSignature,
} from '../../../src/data/index.ts';

/** A smooth picture of a few blobs. */
function blobs(seed: number, side = 96): Picture {
  const random = new Random(seed);
  const spots = Array.from({ length: 6 }, () => [
    random.uniform(),
    random.uniform(),
    random.uniform(0, 255),
    random.uniform(0, 255),
  ]);
  const out = picture(side, side, 3);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const sums = [60, 60, 60];
      for (const [cx, cy, red, blue] of spots as [number, number, number, number][]) {
        const near = Math.exp(-((x / side - cx) ** 2 + (y / side - cy) ** 2) * 30);
        sums[0]! += near * red;
        sums[1]! += near * 60;
        sums[2]! += near * blue;
      }
      out.data.set(
        sums.map((sum) => Math.min(255, sum)),
        (y * side + x) * 3,
      );
    }
  return out;
}

function noisy(source: Picture, seed: number): Picture {
  const random = new Random(seed);
  const data = source.data.map((value) => Math.max(0, Math.min(255, value + random.integer(7) - 3)));
  return { ...source, data };
}

function signed(text: string, ...pictures: Picture[]): SampleSignature {
  const sample: Sample = {
    id: '',
    pictures: [],
    conversations: [[{ role: 'assistant', content: [{ type: 'text', text }] }]],
  };
  return sampleSignature(sample, pictures);
}

describe('duplicates', () => {
  it('finds pictures made smaller and packed anew among others', () => {
    const originals = Array.from({ length: 60 }, (_, i) => signed(`${i}`, blobs(i)));
    const copies = [3, 17, 41].map((i) => signed(`copy ${i}`, noisy(resize(blobs(i), 61, 61), i)));
    expect(findDuplicates([...originals, ...copies], 'pictures')).toEqual([
      { index: 60, of: 3 },
      { index: 61, of: 17 },
      { index: 62, of: 41 },
    ]);
    expect(findDuplicates([...originals, ...copies], 'both')).toEqual([]);
  });

  it('tells plain pictures apart by their colour', () => {
    const plain = (value: number): Picture => picture(10, 10, 3, new Uint8Array(300).fill(value));
    const samples = [0, 40, 80, 41, 200].map((value) => signed('', plain(value)));
    expect(findDuplicates(samples, 'pictures')).toEqual([{ index: 3, of: 1 }]);
  });

  it('compares texts without capitals, signs and widths', () => {
    expect(normalText('  A “red” Cup!\n')).toBe(normalText('a red cup'));
    expect(normalText('ＡＢＣ，杯子。')).toBe('abc 杯子');
    const samples = [signed('A cup.', blobs(1)), signed('a cup', blobs(2)), signed('A CUP', blobs(1)), signed('')];
    expect(findDuplicates(samples, 'text')).toEqual([{ index: 1, of: 0 }, { index: 2, of: 0 }]); // prettier-ignore
    expect(findDuplicates(samples, 'both')).toEqual([{ index: 2, of: 0 }]);
  });

  it('compares all pictures of a sample', () => {
    const samples = [
      signed('x', blobs(1), blobs(2)),
      signed('x', blobs(1)),
      signed('x', blobs(1), blobs(3)),
      signed('x', blobs(1), blobs(2)),
    ];
    expect(findDuplicates(samples, 'pictures')).toEqual([{ index: 3, of: 0 }]);
  });
});
