import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PairModel } from '../../../src/auto/index.ts';
import { load } from '../../../src/auto/node/index.ts';
import { Random } from '../../../src/core/index.ts';
import { picture } from '../../../src/data/index.ts';
import { explainPair } from '../../../src/explain/index.ts';
import { writePairFolder } from '../../pair-folder.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'pairs-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

const random = new Random(4);
const noise = picture(
  40,
  20,
  3,
  Uint8Array.from({ length: 40 * 20 * 3 }, () => random.integer(256)),
);

describe.each(['clip', 'siglip'] as const)('%s', (kind) => {
  it('shows what of a picture speaks for a text, over the part of it that is looked at', async () => {
    const model = await load(await writePairFolder(await mkdtemp(join(scratch, kind)), kind), { threads: 1 });
    if (!(model instanceof PairModel)) throw new Error(model.kind);
    try {
      const texts = ['a cat', 'red apple'];
      const { tokens, overall, grid, method } = await explainPair(model, noise, texts[0]!, [texts[1]!]);
      expect(method).toBe('relevance');
      expect(overall).toHaveLength(grid.rows * grid.cols);
      expect(overall.reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 3);
      // CLIP looks at the square in the middle of a picture that is twice as wide as high.
      const row = overall.slice(0, grid.cols);
      const [edge, middle] = [row[0]!, row[Math.floor(grid.cols / 2)]!];
      if (kind === 'clip') expect([edge, middle > 0]).toEqual([0, true]);
      const [image, text] = [await model.imageFeatures([noise]), await model.textFeatures(texts)];
      const { probabilities } = await model.similarity(image, text);
      expect(tokens).toEqual([
        { text: 'a cat', logprob: expect.closeTo(Math.log(probabilities.data[0]!), 4), map: overall },
      ]);
      await expect(explainPair(model, noise, ' ')).rejects.toThrow('the text is empty');
    } finally {
      await model.dispose();
    }
  });
});
