import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hostTensor, Random } from '../../../../src/core/index.ts';
import { picture, toTensor, trainTokenizer } from '../../../../src/data/index.ts';
import { FusionScorer } from '../../../../src/eval/index.ts';
import { saveFusionModel } from '../../../../src/models/fusion/node/save.ts';
import { type FusionConfig, SimpleMultimodalModel } from '../../../../src/models/index.ts';
import { createRuntime } from '../../../../src/runtime/node/index.ts';
import { FusionPredictor, predict } from '../../../../src/tasks/node/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'sensorium-predictor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const tokenizer = trainTokenizer(['this is a red cat', 'that is a blue dog', '这是一只猫'], { vocabSize: 120 });
const TEXTS = ['this is a red cat', 'a dog', '这是一只猫', 'red'];
const random = new Random(5);
const pictures = TEXTS.map(() =>
  picture(
    16,
    16,
    3,
    Uint8Array.from({ length: 768 }, () => random.integer(256)),
  ),
);

const visions: Record<string, FusionConfig['vision']> = {
  vit: { kind: 'vit', imageSize: 16, patchSize: 4, width: 24, layers: 1, heads: 4, classToken: true },
  convnet: { kind: 'convnet', imageSize: 16, channels: [8, 16], blocks: [1, 1], stem: 2 },
  'conv-transformer': {
    kind: 'conv-transformer',
    imageSize: 16,
    channels: [8, 16],
    blocks: [1, 1],
    stem: 2,
    width: 24,
    layers: 1,
    heads: 4,
  },
};

describe.each(['vit', 'convnet', 'conv-transformer'])('a model with a %s', (kind) => {
  it.each(['text', 'vision', 'pooled text', 'conditioning text'] as const)(
    'asking by %s: logits as computed with weights as inputs, maps that fit',
    async (asking) => {
      const query = asking === 'vision' ? 'vision' : 'text';
      const conditions = asking === 'conditioning text';
      const pooled = conditions || asking === 'pooled text';
      const config: FusionConfig = {
        vision: visions[kind]!,
        text: { vocabularySize: tokenizer.vocabSize, maxLength: 20, width: 16, layers: 1, heads: 2 },
        hiddenSize: 16,
        heads: 4,
        classes: 3,
        query,
        layers: 2,
        ...(pooled ? { pooledText: true } : {}),
        ...(conditions ? { conditioned: 1 } : {}),
        alignmentSize: 8,
      };
      const weights = new SimpleMultimodalModel(config).initialize(new Random(3));
      const path = join(folder, `${kind}-${asking}`);
      const half = [0.5, 0.5, 0.5] as const;
      const preprocessing = {
        imageSize: 16,
        imageMean: half,
        imageDeviation: half,
        textLength: 20,
        classNames: ['a', 'b', 'c'],
      };
      await saveFusionModel(path, { config, weights, tokenizer, preprocessing });

      const runtime = await createRuntime({ threads: 1 });
      const scorer = await FusionScorer.create(runtime, config, weights, { pictures: 4, texts: 4, textLength: 20 });
      const { ids, mask } = tokenizer.encodeBatch(TEXTS, 20);
      const label = hostTensor('int64', [4], new BigInt64Array(4));
      const expected = await scorer.logits({ ids: TEXTS, tensors: { pixels: toTensor(pictures), ids, mask, label } });

      const predictor = await FusionPredictor.open(path, { runtime });
      const together = await predictor.predictBatch(TEXTS.map((text, i) => ({ image: pictures[i]!, text })));
      for (const [i, prediction] of together.entries()) {
        const sum = expected[i]!.reduce((total, value) => total + Math.exp(value), 0);
        for (const [c, name] of ['a', 'b', 'c'].entries()) {
          expect(prediction.probabilities[name]).toBeCloseTo(Math.exp(expected[i]![c]!) / sum, 5);
        }
        for (const { rows, cols, values } of prediction.attention) {
          expect([rows, cols, values.length]).toEqual([4, 4, 16]);
          const total = values.reduce((a, b) => a + b, 0);
          // A word's weights over the picture sum to 1, less what the class token gets.
          if (query === 'text' && kind !== 'vit') expect(total).toBeCloseTo(1, 5);
          else expect(total).toBeGreaterThan(0);
        }
      }
      if (pooled) expect(together[0]!.attention).toHaveLength(1);
      expect(together[0]!.attention.map(({ word }) => word).join(' ')).toBe(TEXTS[0]);
      const alone = await predictor.predict(pictures[1]!, TEXTS[1]!);
      expect(alone.probabilities['a']).toBeCloseTo(together[1]!.probabilities['a']!, 5);
      await predictor.dispose();
      scorer.dispose();
      await runtime.dispose();
    },
  );
});

it('opens a folder by a link, and refuses texts that say nothing', async () => {
  symlinkSync(join(folder, 'vit-text'), join(folder, 'link'));
  expect((await predict(join(folder, 'link'), pictures[0]!, 'a cat')).label).toMatch(/^[abc]$/);
  await expect(predict(join(folder, 'vit-text'), pictures[0]!, ' ')).rejects.toThrow(/text is empty/);
});
