import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor } from '../../src/core/index.ts';
import { input } from '../../src/graph/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import { tokenCrossEntropy } from '../../src/train/objectives/token-loss.ts';
import { type Build, checkCase, checkDifferences, evaluate } from './check-gradients.ts';
import { loadFixtures } from './fixtures.ts';

/** From a case's attributes to what it computes. */
const OBJECTIVES: Readonly<Record<string, (attrs: any) => Build>> = {
  tokens:
    (attrs) =>
    ({ logits, labels, weights }) => ({
      loss: tokenCrossEntropy(logits!, labels!, { ...attrs, ...(weights === undefined ? {} : { weights }) }),
    }),
};

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
    await checkCase(runtime, fixture, OBJECTIVES[fixture.op]!(fixture.attrs));
  });

  it.each(cases)('$name against central differences', async ({ op, attrs, inputs, gradients }) => {
    await checkDifferences(runtime, OBJECTIVES[op]!(attrs), inputs, 'float32', Object.keys(gradients));
  });
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
