import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openModel } from '../../../../src/auto/node/index.ts';
import { Random } from '../../../../src/core/index.ts';
import { quantizeCheckpoint, readLocated } from '../../../../src/hub/node/index.ts';
import type { CausalLM } from '../../../../src/models/index.ts';
import { AdaptedModel, attachLora } from '../../../../src/nn/index.ts';
import { dequantized } from '../../../../src/recipe/tuning/node/dequantized.ts';
import { createRuntime } from '../../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../../src/runtime/types.ts';
import { adamW } from '../../../../src/train/optimizers.ts';
import { TrainingStep } from '../../../../src/train/step.ts';
import { nextTokenLoss, TWINS } from '../../../tunable.ts';
import { integers } from '../../evaluate.ts';

const IDS = integers([1, 9], [5, 17, 33, 8, 91, 44, 3, 70, 12]);

let runtime: Runtime;
let scratch: string;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
  scratch = await mkdtemp(join(tmpdir(), 'dequantized-'));
  const llama = fileURLToPath(new URL(`../../../parity/fixtures/${TWINS['llama']!}`, import.meta.url));
  await quantizeCheckpoint(llama, join(scratch, 'int8'), { default: 'int8' });
});
afterAll(async () => {
  await runtime.dispose();
  await rm(scratch, { recursive: true });
});

it('numbers that are held learn as packed ones do, and are in no checkpoint', async () => {
  const learn = async (held: boolean): Promise<{ losses: number[]; names: string[] }> => {
    const { architecture, weights } = await openModel(join(scratch, 'int8'));
    const model = architecture.model as CausalLM;
    model.parameters();
    const adapter = attachLora(model, { rank: 2, targets: 'all-linear' });
    const own = adapter.parameters();
    const numbers = held ? await dequantized(weights, () => true) : new Map();
    expect(numbers.size > 0).toBe(held);
    const step = await TrainingStep.create(
      runtime,
      {
        model: new AdaptedModel(model, [adapter]),
        loss: ({ ids }) => ({ loss: nextTokenLoss(model.read(ids!), ids!), figures: {} }),
      },
      { ids: { dtype: 'int64', shape: [1, 9] } },
      await adapter.firstValues(new Random(1), (path, shape) => readLocated(weights, path, shape)),
      {
        optimizer: adamW(),
        weightDecay: 0,
        groups: (path) => ({ train: own.has(path), rate: 1 }),
        frozen: { ...weights, numbers },
      },
    );
    const losses: number[] = [];
    for (let i = 0; i < 6; i++)
      losses.push((await step.run([{ ids: IDS }], { step: i, seed: 1, learningRate: 0.01 })).loss);
    const names = Object.keys(await step.readWeights());
    step.dispose();
    expect(names.every((name) => own.has(name))).toBe(true);
    return { losses, names };
  };
  const [packed, held] = [await learn(false), await learn(true)];
  expect(held.names).toEqual(packed.names);
  expect(held.losses.at(-1)!).toBeLessThan(held.losses[0]!);
  held.losses.forEach((loss, i) => expect(loss).toBeCloseTo(packed.losses[i]!, 4));
});

it('are those that steps read', async () => {
  const { weights } = await openModel(join(scratch, 'int8'));
  expect((await dequantized(weights, () => false)).size).toBe(0);
  const some = await dequantized(weights, (name) => name.includes('mlp'));
  expect(some.size).toBeGreaterThan(0);
  expect([...some.keys()].every((name) => name.includes('mlp'))).toBe(true);
});
