import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hostTensor } from '../../../../src/core/index.ts';
import type { TrainingState } from '../../../../src/train/checkpoints.ts';
import { RunCheckpoints } from '../../../../src/train/node/run-checkpoints.ts';
import { temporaryFolder } from '../../hub/node/temporary.ts';

const folder = temporaryFolder();

function state(step: number): TrainingState {
  return {
    step,
    seed: 7,
    data: { epoch: 2, batch: step },
    seconds: 1.5,
    watch: { first: [3, 2.5], recent: [2.25, 1 / 3], suspicious: 0 },
    identity: '{"recipe":"a"}',
  };
}

const weights = { 'a.weight': hostTensor('float32', [2, 2], Float32Array.of(1, 2, 3, 0.1)) };
const optimizer = { 'm:a.weight': hostTensor('float32', [2, 2], Float32Array.of(0, 1e-30, -1, 5)) };

describe('RunCheckpoints', () => {
  it('gives back exactly what was saved', async () => {
    const path = join(folder, 'exact');
    const store = await RunCheckpoints.open(path);
    expect(await store.latest()).toBeUndefined();
    const saved = { ...state(12), groups: 'a.weight: 0.1', stopping: { best: { step: 8, value: 0.5 }, waited: 1 } };
    const name = await store.save(saved, weights, optimizer);
    const found = (await (await RunCheckpoints.open(path)).latest())!;
    expect(found.name).toBe(name);
    expect(found.state).toEqual(saved);
    expect(Object.fromEntries(await found.readWeights())).toEqual(weights);
    expect(Object.fromEntries(await found.readOptimizer())).toEqual(optimizer);
  });

  const judged = (step: number, best: number): TrainingState => ({
    ...state(step),
    stopping: { best: { step: best, value: best / 10 }, waited: 0 },
  });

  it('keeps the best one besides, and the best before it until another is saved', async () => {
    const path = join(folder, 'best');
    const store = await RunCheckpoints.open(path, 1);
    const kept = async (step: number, best: number): Promise<string[]> => {
      await store.save(judged(step, best), weights, optimizer);
      return readdirSync(path).sort();
    };
    expect(await kept(1, 1)).toEqual(['step-000001']);
    expect(await kept(2, 1)).toEqual(['step-000001', 'step-000002']);
    expect(await kept(3, 1)).toEqual(['step-000001', 'step-000003']);
    expect(await kept(4, 4)).toEqual(['step-000001', 'step-000004']);
    expect(await kept(5, 4)).toEqual(['step-000004', 'step-000005']);
    expect((await store.at(4))!.state.stopping!.best!.value).toBe(0.4);
    expect((await store.latest())!.state.step).toBe(5);
    expect(await store.at(2)).toBeUndefined();
  });

  it('keeps the best one of before also when the run was resumed since', async () => {
    const path = join(folder, 'resumed');
    const before = await RunCheckpoints.open(path, 1);
    await before.save(judged(1, 1), weights, optimizer);
    await before.save(judged(2, 1), weights, optimizer);
    const store = await RunCheckpoints.open(path, 1);
    expect((await store.latest())!.state.step).toBe(2);
    await store.save(judged(3, 3), weights, optimizer);
    expect(readdirSync(path).sort()).toEqual(['step-000001', 'step-000003']);
    await store.save(judged(4, 3), weights, optimizer);
    expect(readdirSync(path).sort()).toEqual(['step-000003', 'step-000004']);
  });

  it('keeps as many as asked for and passes over a damaged one', async () => {
    const path = join(folder, 'damaged');
    const store = await RunCheckpoints.open(path, 2);
    for (const step of [1, 2, 3]) await store.save(state(step), weights, optimizer);
    expect(readdirSync(path).sort()).toEqual(['step-000002', 'step-000003']);
    writeFileSync(join(path, 'step-000003', 'model.safetensors'), 'gone');
    const ignored: string[] = [];
    const found = await store.latest((name) => ignored.push(name));
    expect(found!.state.step).toBe(2);
    expect(ignored).toEqual([join(path, 'step-000003')]);
  });
});
