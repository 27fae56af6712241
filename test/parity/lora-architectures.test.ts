/** Every generating architecture can be tuned with adapters on all of its linear layers, its weights lying in their files. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/core/index.ts';
import { readLocated } from '../../src/hub/node/index.ts';
import { attachLora, type LoraConfig } from '../../src/nn/index.ts';
import { createRuntime } from '../../src/runtime/node/index.ts';
import type { Runtime } from '../../src/runtime/types.ts';
import { adamW } from '../../src/train/optimizers.ts';
import { TrainingStep } from '../../src/train/step.ts';
import { tunable, TWINS } from '../tunable.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(() => runtime.dispose());

const KINDS: Readonly<Record<string, Partial<LoraConfig>>> = {
  LoRA: { alpha: 8 },
  rsLoRA: { alpha: 8, rankStabilized: true },
  DoRA: { alpha: 8, dora: true },
};

describe.each(Object.keys(TWINS))('%s', (name) => {
  it.each(Object.keys(KINDS))('learns with %s, and its own weights stay what they are', async (kind) => {
    const twin = await tunable(name);
    const file = join(twin.folder, 'model.safetensors');
    const before = await hashOf(file);
    const adapter = attachLora(twin.model, { rank: 4, targets: 'all-linear', ...KINDS[kind] });
    const values = await adapter.firstValues(new Random(1), (path, shape) => readLocated(twin.weights, path, shape));
    const step = await TrainingStep.create(runtime, twin.trainable([adapter]), twin.signature, values, {
      optimizer: adamW(),
      weightDecay: 0,
      frozen: twin.weights,
      groups: (path) => ({ train: adapter.parameters().has(path), rate: 1 }),
    });
    const losses: number[] = [];
    for (let i = 0; i < 4; i++)
      losses.push((await step.run([twin.batch], { step: i, seed: 1, learningRate: 5e-3 })).loss);
    // The first step changes B alone, since it was zero.
    expect(losses[1]!).toBeLessThan(losses[0]!);
    expect(losses[3]!).toBeLessThan(losses[1]!);
    const tuned = await step.readWeights();
    expect(Object.keys(tuned).sort()).toEqual([...adapter.parameters().keys()].sort());
    step.dispose();
    expect(await hashOf(file)).toBe(before);
  });
});

async function hashOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}
