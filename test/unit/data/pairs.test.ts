import { expect, it } from 'vitest';
import { loadInThread, pairDataset, picture, trainTokenizer } from '../../../src/data/index.ts';

const tokenizer = trainTokenizer(['red', 'green', 'blue'], { vocabSize: 60 });
const pairs = ['red', 'green', 'blue'].map((text, label) => ({
  image: picture(6, 3, 3, new Uint8Array(54).fill(label * 100)),
  text,
  label,
}));
const options = { tokenizer, imageSize: 4, textLength: 6 };

it('gives every pair once in a pass, in an order of its own, with what belongs to it', async () => {
  const loader = loadInThread(pairDataset(pairs, options), { seed: 2, batchSize: 1, epochs: 6 });
  const orders = new Set<string>();
  for (let epoch = 0; epoch < 6; epoch++) {
    const labels: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { batch } = (await loader.next())!;
      const label = Number(batch.tensors['label']!.data[0]);
      labels.push(label);
      expect(batch.ids).toEqual([`pair ${label}`]);
      const { pixels, ids, mask } = batch.tensors;
      expect([pixels!.shape, ids!.shape, mask!.shape]).toEqual([
        [1, 3, 4, 4],
        [1, 6],
        [1, 6],
      ]);
      expect(ids!.data).toEqual(tokenizer.encodeBatch([pairs[label]!.text], 6).ids.data);
      // The middle of the picture has its colour, and white is above and below.
      expect(pixels!.data[0]).toBeGreaterThan(0.5);
      expect(pixels!.data[4]).toBeLessThan(0.5 + label);
    }
    expect(labels.toSorted()).toEqual([0, 1, 2]);
    orders.add(labels.join());
  }
  expect(orders.size).toBeGreaterThan(1);
  expect(await loader.next()).toBeUndefined();
});

it('refuses no pairs and labels that are no classes', () => {
  expect(() => pairDataset([], options)).toThrow(/no pair/);
  expect(() => pairDataset([{ ...pairs[0]!, label: 0.5 }], options)).toThrow(/0\.5 is no class/);
});
