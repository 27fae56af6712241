import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor, Random, TrainingError, type HostTensor } from '../../../src/core/index.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { sgd } from '../../../src/train/optimizers.ts';
import { signatureOf } from '../../../src/train/signature.ts';
import { TrainingStep, type StepOptions } from '../../../src/train/step.ts';
import { tinyModel } from './tiny-trainer.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(async () => runtime.dispose());

const WIDTH = 6;

function rows(count: number, seed: number): Record<string, HostTensor> {
  const random = new Random(seed);
  const x = hostTensor('float32', [count, WIDTH]);
  const y = hostTensor('float32', [count, 1]);
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (let i = 0; i < WIDTH; i++) sum += x.data[row * WIDTH + i] = random.normal();
    y.data[row] = sum;
  }
  return { x, y };
}

/** Trains on batches of these sizes, one step each. */
async function train(
  sizes: readonly number[],
  options: Partial<StepOptions> = {},
): Promise<{ losses: number[]; compiled: number; weights: Record<string, HostTensor> }> {
  const trainable = tinyModel();
  const signature = signatureOf({ tensors: rows(sizes[0]!, 0), ids: [] });
  const step = await TrainingStep.create(runtime, trainable, signature, trainable.model.initialize(new Random(1)), {
    optimizer: sgd({ momentum: 0.9 }),
    weightDecay: 0.01,
    ...options,
  });
  try {
    const losses: number[] = [];
    const accumulate = options.accumulate ?? 1;
    for (let i = 0; i < sizes.length; i += accumulate) {
      const batches = sizes.slice(i, i + accumulate).map((size, j) => rows(size, i + j));
      losses.push((await step.run(batches, { step: i, seed: 1, learningRate: 0.02 })).loss);
    }
    return { losses, compiled: step.compiled, weights: await step.readWeights() };
  } finally {
    step.dispose();
  }
}

describe('batches of several shapes', () => {
  const sizes = [4, 6, 4, 8, 6, 4, 8, 8, 4, 6, 4, 8];

  it('share weights and optimiser, and compile once for each shape', async () => {
    const { losses, compiled } = await train(sizes);
    expect(compiled).toBe(3);
    expect(losses.at(-1)!).toBeLessThan(0.7 * losses[0]!);
  });

  it('give the same bits when programs make way for others, the one not used for longest first', async () => {
    const all = await train(sizes);
    const few = await train(sizes, { shapes: 2 });
    // Kept after each step: 4, 46, 64, 48, 86, 64, 48, 48, 84, 46, 64, 48.
    expect(few.compiled).toBe(8);
    const one = await train(sizes, { shapes: 1 });
    expect(one.compiled).toBe(11);
    for (const other of [few, one]) {
      expect(other.losses).toEqual(all.losses);
      expect(other.weights).toEqual(all.weights);
    }
  });

  it('give the same bits with working memory from one pool', async () => {
    const [own, pooled] = [await train(sizes), await train(sizes, { pooled: true, shapes: 2 })];
    expect(pooled.losses).toEqual(own.losses);
    expect(pooled.weights).toEqual(own.weights);
  });

  it('can be accumulated into one update', async () => {
    const { losses, compiled } = await train(sizes, { accumulate: 2 });
    expect(losses).toHaveLength(6);
    expect(compiled).toBe(3);
  });

  it('give all memory back', async () => {
    await train(sizes, { shapes: 2 });
    expect(runtime.memory().values).toBe(0);
  });

  it('must hold what the objective reads', async () => {
    const trainable = tinyModel();
    const batch = rows(4, 0);
    const step = await TrainingStep.create(
      runtime,
      trainable,
      signatureOf({ tensors: batch, ids: [] }),
      trainable.model.initialize(new Random(1)),
      { optimizer: sgd(), weightDecay: 0 },
    );
    const { x } = batch;
    const lacking = step.run([{ x: x! }], { step: 0, seed: 1, learningRate: 0.1 });
    await expect(lacking).rejects.toThrow(TrainingError);
    await expect(lacking).rejects.toThrow(/no tensor 'y'/);
    step.dispose();
  });
});
