import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor } from '../../src/core/index.ts';
import {
  cast,
  exp,
  fromIntegers,
  greater,
  input,
  linear,
  matmul,
  mul,
  reduceMean,
  tanh,
  type Tensor,
} from '../../src/graph/index.ts';
import { MaskedHead, maskedMean } from '../../src/models/fusion/model.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import { captionLoss } from '../../src/train/objectives/captioning.ts';
import { clipLoss, sameClass } from '../../src/train/objectives/contrastive.ts';
import { distillationLoss, featureLoss } from '../../src/train/objectives/distillation.ts';
import { matchingLoss } from '../../src/train/objectives/matching.ts';
import { distilledContrastive, distilledMasked } from '../../src/train/objectives/momentum.ts';
import { tokenCrossEntropy } from '../../src/train/objectives/token-loss.ts';
import { type Build, checkCase, checkDifferences, evaluate } from './check-gradients.ts';
import { loadFixtures } from './fixtures.ts';

/** From a case's attributes to what it computes. */
const OBJECTIVES: Readonly<Record<string, (attrs: any, head?: MaskedHead) => Build>> = {
  tokens:
    (attrs) =>
    ({ logits, labels, weights }) => ({
      loss: tokenCrossEntropy(logits!, labels!, { ...attrs, ...(weights === undefined ? {} : { weights }) }),
    }),
  masked:
    (_, head) =>
    ({ states, words, labels }) => {
      const logits = head!.forward(states!, words!);
      return { loss: tokenCrossEntropy(logits, labels!), logits };
    },
  matching:
    () =>
    ({ vision, text, keep, weight, similarity, concepts, texts, pictures }) => ({
      loss: matchingLoss(
        (pairs) => linear(tanh(mul(reduceMean(pairs.vision, 1), maskedMean(pairs.text, pairs.keep))), weight!),
        { vision: vision!, text: text!, keep: keep! },
        similarity!,
        sameClass(concepts!),
        { texts: texts!, pictures: pictures! },
      ).loss,
    }),
  distillation:
    (attrs) =>
    ({ student, teacher, weights }) => ({
      loss: distillationLoss(student!, teacher!, { ...attrs, ...(weights === undefined ? {} : { weights }) }),
    }),
  features:
    () =>
    ({ student, teacher }) => ({ loss: featureLoss(student!, teacher!) }),
  'momentum-contrastive':
    ({ share }) =>
    ({ vision, text, log_scale, vision_average, text_average, same_scale }) => {
      const scores = (v: Tensor, t: Tensor, scale: Tensor): Tensor => mul(matmul(v, t, { transB: true }), exp(scale));
      const hard = clipLoss(vision!, text!, log_scale!, identity(5));
      return {
        loss: distilledContrastive(
          hard,
          scores(vision!, text!, log_scale!),
          scores(vision_average!, text_average!, same_scale!),
          share,
        ),
      };
    },
  'momentum-masked':
    ({ share }) =>
    ({ logits, average, labels }) => ({
      loss: distilledMasked(
        tokenCrossEntropy(logits!, labels!),
        logits!,
        average!,
        cast(greater(labels!, -1), logits!.dtype),
        share,
      ),
    }),
  caption:
    (attrs) =>
    ({ logits, ids, keep }) => ({ loss: captionLoss(logits!, ids!, keep!, attrs) }),
};

/** [n, n]: each row belongs to its own column. */
function identity(n: number): Tensor {
  return sameClass(
    fromIntegers(
      [n],
      Array.from({ length: n }, (_, i) => i),
    ),
  );
}

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1, backend: 'c-api' });
});
afterAll(async () => {
  await runtime.dispose();
});

const cases = await loadFixtures('objectives');

describe('objectives', () => {
  it.each(cases)('$name against PyTorch in float64', async (fixture) => {
    const { width, words } = fixture.attrs;
    const module = fixture.op === 'masked' ? new MaskedHead(width, words) : undefined;
    await checkCase(runtime, fixture, OBJECTIVES[fixture.op]!(fixture.attrs, module), module && { module });
  });

  it.each(cases.filter(({ op }) => op !== 'masked'))(
    '$name against central differences',
    async ({ op, attrs, inputs, gradients }) => {
      await checkDifferences(runtime, OBJECTIVES[op]!(attrs), inputs, 'float32', Object.keys(gradients));
    },
  );
});

describe('tokens', () => {
  it('gives 0, and no NaN, where no token carries loss', async () => {
    const logits = hostTensor('float32', [2, 3], Float32Array.of(1, 2, 3, 4, 5, 6));
    const labels = hostTensor('int64', [2], BigInt64Array.of(-100n, -100n));
    const loss = tokenCrossEntropy(input('logits', 'float32', [2, 3]), input('labels', 'int64', [2]));
    expect((await evaluate(runtime, { loss }, { logits, labels }))['loss']!.data[0]).toBe(0);
  });

  it('refuses smoothing that leaves nothing of the label', () => {
    expect(() =>
      tokenCrossEntropy(input('logits', 'float32', [2, 3]), input('labels', 'int64', [2]), { smoothing: 1 }),
    ).toThrow(/smoothing/);
  });
});
