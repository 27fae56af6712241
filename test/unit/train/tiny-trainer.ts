/** A linear model on synthetic data, quick enough to be trained many times. */
import { hostTensor, type HostTensor } from '../../../src/core/index.ts';
import type { Batch, Dataset, Position } from '../../../src/data/dataset.ts';
import { loadInThread, type Loader, type LoaderState } from '../../../src/data/loader.ts';
import { sampleRandom } from '../../../src/data/dataset.ts';
import { mul, reduceMean, sub, type Tensor } from '../../../src/graph/index.ts';
import { Dropout, Linear, Module } from '../../../src/nn/index.ts';
import type { Runtime } from '../../../src/runtime/types.ts';
import type { SavedTraining, TrainingState } from '../../../src/train/checkpoints.ts';
import type { MetricsRecord } from '../../../src/train/metrics.ts';
import type { LossGraph, Trainable } from '../../../src/train/objective.ts';
import { adamW } from '../../../src/train/optimizers.ts';
import { Trainer, type TrainerHooks, type TrainerOptions, type TrainingOutcome } from '../../../src/train/trainer.ts';

export const BATCH = 4;
const WIDTH = 6;

class Regression extends Module implements Trainable {
  readonly linear: Linear = new Linear(WIDTH, 1);
  readonly #dropout = new Dropout(0.2);

  get model(): Module {
    return this;
  }

  loss(batch: Readonly<Record<string, Tensor>>): LossGraph {
    const error = sub(this.linear.forward(this.#dropout.forward(batch['x']!)), batch['y']!);
    return { loss: reduceMean(mul(error, error)), figures: { bias: reduceMean(error) } };
  }
}

/** Sums of random numbers. @param spoil changes the targets of a sample */
export function sums(length: number, spoil: (epoch: number, index: number) => number = () => 0): Dataset {
  return {
    length,
    batch({ seed, epoch, index }: Position, size: number): Batch {
      const x = hostTensor('float32', [size, WIDTH]);
      const y = hostTensor('float32', [size, 1]);
      for (let row = 0; row < size; row++) {
        const random = sampleRandom(seed, epoch, index + row);
        let sum = 0;
        for (let i = 0; i < WIDTH; i++) sum += x.data[row * WIDTH + i] = random.normal();
        y.data[row] = sum + spoil(epoch, index + row);
      }
      return { tensors: { x, y }, ids: Array.from({ length: size }, (_, row) => `sum ${epoch}/${index + row}`) };
    },
  };
}

export function loadSums(dataset: Dataset, seed: number, start?: LoaderState): Loader {
  return loadInThread(dataset, { seed, batchSize: BATCH, ...(start === undefined ? {} : { start }) });
}

export const OPTIONS: TrainerOptions = {
  length: { steps: 30 },
  seed: 5,
  optimizer: adamW(),
  weightDecay: 0.01,
  clip: 1,
  schedule: { kind: 'cosine', learningRate: 0.05, warmup: 3 },
  ema: 0.9,
};

/** A checkpoint in memory. */
export interface Kept extends SavedTraining {
  readonly weights: Readonly<Record<string, HostTensor>>;
  readonly optimizer: Readonly<Record<string, HostTensor>>;
}

export interface Ran {
  readonly losses: readonly number[];
  readonly records: readonly MetricsRecord[];
  readonly saved: readonly Kept[];
  readonly weights: Readonly<Record<string, HostTensor>>;
  readonly outcome: TrainingOutcome;
  readonly ended: TrainingOutcome['ended'];
}

/** Trains once, keeping everything. */
export async function runTiny(
  runtime: Runtime,
  options: Partial<TrainerOptions> = {},
  more: {
    dataset?: Dataset;
    prepare?: (batch: Batch) => Promise<Batch>;
    resume?: SavedTraining;
    hooks?: TrainerHooks;
    onSaved?: (kept: Kept) => void;
  } = {},
): Promise<Ran> {
  const all = { ...OPTIONS, ...options };
  const records: MetricsRecord[] = [];
  const saved: Kept[] = [];
  const dataset = more.dataset ?? sums(22);
  const trainer = await Trainer.open(
    {
      runtime,
      trainable: new Regression(),
      resume: more.resume,
      ...(more.prepare === undefined ? {} : { prepare: more.prepare }),
      openData: async (start) => loadSums(dataset, all.seed, start),
    },
    all,
    {
      metrics: { append: async (record) => void records.push(record), sync: async () => undefined },
      checkpoints: {
        at: async (step) => saved.findLast(({ state }) => state.step === step),
        async save(state: TrainingState, weights, optimizer) {
          const kept: Kept = {
            name: `step ${state.step}`,
            state: structuredClone(state),
            weights,
            optimizer,
            readWeights: async () => new Map(Object.entries(weights)),
            readOptimizer: async () => new Map(Object.entries(optimizer)),
          };
          saved.push(kept);
          more.onSaved?.(kept);
          return kept.name;
        },
      },
      ...more.hooks,
    },
  );
  try {
    const outcome = await trainer.run();
    const { ended } = outcome;
    const losses = records.flatMap((record) => (record.kind === 'train' ? [record.loss] : []));
    return { losses, records, saved, weights: await trainer.step.readWeights(true), outcome, ended };
  } finally {
    await trainer.close();
  }
}

export function tinyModel(): Trainable {
  return new Regression();
}
