import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostTensor, type HostTensor, TrainingError } from '../../../src/core/index.ts';
import type { Batch, Position } from '../../../src/data/dataset.ts';
import { createRuntime } from '../../../src/runtime/node/index.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import { liveModel, ModelOptimizer, trainEpoch } from '../../../src/train/epoch.ts';
import type { WeightGroup } from '../../../src/train/groups.ts';
import { muon } from '../../../src/train/muon.ts';
import { adamW } from '../../../src/train/optimizers.ts';
import { BATCH, loadSums, runTiny, sums, tinyModel, type Kept } from './tiny-trainer.ts';

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ threads: 1 });
});
afterAll(async () => runtime.dispose());

describe('Trainer', () => {
  it('gives bit-identical losses and weights for equal seeds, others for another seed', async () => {
    const [first, second, other] = [
      await runTiny(runtime),
      await runTiny(runtime),
      await runTiny(runtime, { seed: 6 }),
    ];
    expect(first.losses).toHaveLength(30);
    expect(second.losses).toEqual(first.losses);
    expect(second.weights).toEqual(first.weights);
    expect(other.losses).not.toEqual(first.losses);
    expect(first.losses.at(-1)!).toBeLessThan(first.losses[0]!);
  });

  it('goes on from any checkpoint as if it had never stopped', async () => {
    for (const accumulate of [1, 2]) {
      const options = { accumulate, checkpointEvery: { steps: 7 } };
      const whole = await runTiny(runtime, options);
      expect(whole.saved.map(({ state }) => state.step)).toEqual([7, 14, 21, 28, 30]);
      for (const resume of [whole.saved[0]!, whole.saved[2]!]) {
        const rest = await runTiny(runtime, options, { resume });
        expect(rest.losses).toEqual(whole.losses.slice(resume.state.step));
        expect(rest.weights).toEqual(whole.weights);
        expect(rest.saved.at(-1)!.optimizer).toEqual(whole.saved.at(-1)!.optimizer);
        expect(rest.saved.at(-1)!.state.watch).toEqual(whole.saved.at(-1)!.state.watch);
      }
    }
  });

  it('prepares each batch once, and learns from what comes of it', async () => {
    // Batches that cannot be learned from as they are: their inputs are called otherwise, and shifted.
    const plain = sums(22);
    const dataset = {
      length: plain.length,
      async batch(position: Position, size: number): Promise<Batch> {
        const { ids, tensors } = await plain.batch(position, size);
        const { x, y } = tensors as Record<'x' | 'y', HostTensor<'float32'>>;
        return {
          ids,
          tensors: {
            raw: hostTensor(
              'float32',
              x.shape,
              x.data.map((value) => value / 2),
            ),
            y,
          },
        };
      },
    };
    const names: string[] = [];
    const prepare = async ({ ids, tensors }: Batch): Promise<Batch> => {
      names.push(...ids);
      const { raw, y } = tensors as Record<'raw' | 'y', HostTensor<'float32'>>;
      return {
        ids,
        tensors: {
          x: hostTensor(
            'float32',
            raw.shape,
            raw.data.map((value) => value * 2),
          ),
          y,
        },
      };
    };
    for (const accumulate of [1, 2]) {
      names.length = 0;
      const options = { accumulate, length: { steps: 8 }, checkpointEvery: { steps: 3 } };
      const right = await runTiny(runtime, options);
      const whole = await runTiny(runtime, options, { dataset, prepare });
      expect(whole.losses).toEqual(right.losses);
      expect(names).toHaveLength(8 * accumulate * BATCH);
      const rest = await runTiny(runtime, options, { dataset, prepare, resume: whole.saved[0]! });
      expect(rest.weights).toEqual(right.weights);
    }
  });

  it('goes on with groups of weights as if it had never stopped', async () => {
    const groups = (path: string): WeightGroup => ({ train: true, rate: path.endsWith('bias') ? 0.1 : 2 });
    const options = { groups, checkpointEvery: { steps: 7 } };
    const whole = await runTiny(runtime, options);
    expect(whole.losses).not.toEqual((await runTiny(runtime)).losses);
    const rest = await runTiny(runtime, options, { resume: whole.saved[1]! });
    expect(rest.losses).toEqual(whole.losses.slice(14));
    expect(rest.weights).toEqual(whole.weights);
  });

  it('goes on with Muon, whose matrices keep a momentum and its other weights two moments, as if it had never stopped', async () => {
    const options = { optimizer: muon(), accumulate: 2, checkpointEvery: { steps: 7 } };
    const whole = await runTiny(runtime, options);
    const kept = ['m:linear.bias', 'v:linear.bias', 'ema:linear.weight', 'ema:linear.bias', 'momentum:linear.weight'];
    expect(Object.keys(whole.saved[0]!.optimizer).sort()).toEqual(kept.sort());
    const rest = await runTiny(runtime, options, { resume: whole.saved[1]! });
    expect(rest.losses).toEqual(whole.losses.slice(14));
    expect(rest.weights).toEqual(whole.weights);
    expect(rest.saved.at(-1)!.optimizer).toEqual(whole.saved.at(-1)!.optimizer);
  });

  it('saves and ends when it is interrupted, and goes on from there', async () => {
    const whole = await runTiny(runtime);
    const controller = new AbortController();
    const part = await runTiny(
      runtime,
      {},
      {
        hooks: { interrupt: controller.signal, onStep: ({ step }) => step === 11 && controller.abort() },
      },
    );
    expect(part.ended).toBe('interrupted');
    expect(part.saved.map(({ state }) => state.step)).toEqual([11]);
    const rest = await runTiny(runtime, {}, { resume: part.saved[0]! });
    expect([...part.losses, ...rest.losses]).toEqual(whole.losses);
    expect(rest.weights).toEqual(whole.weights);
  });

  it('counts epochs, and evaluates between steps', async () => {
    const steps: number[] = [];
    const run = await runTiny(
      runtime,
      { length: { epochs: 2 }, evaluateEvery: 4 },
      {
        hooks: {
          evaluate: async (_, done) => {
            steps.push(done);
            return { accuracy: done / 10 };
          },
        },
      },
    );
    // 22 samples give 5 whole batches of 4.
    expect(run.losses).toHaveLength(10);
    expect(steps).toEqual([4, 8]);
    expect(run.records.filter(({ kind }) => kind === 'validation')).toMatchObject([
      { step: 4, values: { accuracy: 0.4 } },
      { step: 8, values: { accuracy: 0.8 } },
    ]);
  });

  it('ends on time where minutes are given, with a rate that follows them', async () => {
    let clock = 0;
    const rates: number[] = [];
    const run = await runTiny(
      runtime,
      { length: { minutes: 1 }, schedule: { kind: 'linear', learningRate: 1e-2, warmup: 0 } },
      {
        hooks: { now: () => clock, onStep: ({ learningRate }) => (rates.push(learningRate), (clock += 6000)) },
      },
    );
    expect(run.losses).toHaveLength(10);
    expect(rates[0]).toBeCloseTo(1e-2);
    expect(rates[5]).toBeCloseTo(5e-3);
    expect(run.saved.map(({ state }) => state.seconds)).toEqual([60]);
  });

  it('ends while its rate still falls, where the schedule is longer than the run', async () => {
    const rates: number[] = [];
    await runTiny(
      runtime,
      { length: { steps: 4 }, schedule: { kind: 'linear', learningRate: 1e-2, warmup: 0, total: 8 } },
      { hooks: { onStep: ({ learningRate }) => rates.push(learningRate) } },
    );
    expect(rates.map((rate) => Number(rate.toFixed(6)))).toEqual([0.01, 0.00875, 0.0075, 0.00625]);
  });

  it('stops on a loss that is no number, naming step, samples and checkpoint', async () => {
    const saved: Kept[] = [];
    const dataset = sums(40, (_, index) => (index === 33 ? Number.NaN : 0));
    const error = await runTiny(
      runtime,
      { checkpointEvery: { steps: 3 } },
      { dataset, onSaved: (kept) => saved.push(kept) },
    ).catch((reason: unknown) => reason as Error);
    expect(error).toBeInstanceOf(TrainingError);
    expect((error as Error).message).toMatch(/step 9: the loss is NaN/);
    expect((error as Error).message).toContain('sum 0/33');
    expect((error as Error).message).toContain('last good checkpoint: step 6');
    expect(saved.map(({ state }) => state.step)).toEqual([3, 6]);
  });

  it('stops on an exploding loss, and keeps no weights of it', async () => {
    const saved: Kept[] = [];
    const dataset = sums(400, (_, index) => (index >= 120 ? 1000 : 0));
    const error = await runTiny(
      runtime,
      { length: { steps: 60 }, checkpointEvery: { steps: 1 } },
      {
        dataset,
        onSaved: (kept) => saved.push(kept),
      },
    ).catch((reason: unknown) => reason as Error);
    expect((error as Error).message).toMatch(/step 35: the loss exploded/);
    expect((error as Error).message).toContain('last good checkpoint: step 30');
    expect(saved.at(-1)!.state.step).toBe(30);
  });

  it('refuses the checkpoint of another run', async () => {
    const { saved } = await runTiny(runtime, { length: { steps: 2 }, identity: 'one' });
    await expect(runTiny(runtime, { identity: 'two' }, { resume: saved[0]! })).rejects.toThrow(/another run/);
    const groups = (): WeightGroup => ({ train: true, rate: 0.5 });
    const other = runTiny(runtime, { identity: 'one', groups }, { resume: saved[0]! });
    await expect(other).rejects.toThrow(/another run/);
  });
});

describe('trainEpoch', () => {
  it('returns the mean loss, and goes on learning in the next pass', async () => {
    const model = liveModel(runtime, tinyModel(), 1);
    const before = model.weights;
    const optimizer = new ModelOptimizer(adamW(), { learningRate: 0.05 });
    const loader = loadSums(sums(40), 2);
    const losses = [];
    for (let epoch = 0; epoch < 6; epoch++) losses.push(await trainEpoch(model, loader, optimizer));
    optimizer.dispose();
    expect(losses.at(-1)!).toBeLessThan(0.6 * losses[0]!);
    expect(model.weights).not.toEqual(before);
    await expect(optimizer.update(liveModel(runtime, tinyModel(), 1), {})).rejects.toThrow();
  });
});
