import type { HostTensor } from '../core/index.ts';
import type { Batch } from '../data/dataset.ts';
import type { Loader, LoaderState } from '../data/loader.ts';
import type { Recompute } from '../nn/index.ts';
import type { Runtime } from '../runtime/types.ts';
import type { CheckpointStore, SavedTraining } from './checkpoints.ts';
import type { WeightGroups } from './groups.ts';
import type { MetricsRecord, WrittenSample } from './metrics.ts';
import type { Trainable } from './objective.ts';
import type { Optimizer } from './optimizers.ts';
import type { Schedule } from './schedule.ts';
import type { StepResult, TrainingStep } from './step.ts';
import type { BestEvaluation, StoppingOptions } from './stopping.ts';
import type { WeightFiles } from './step-graph.ts';

/** How long a run goes: exactly one of them. */
export type RunLength =
  | { readonly steps: number }
  /** Passes over the data; may be a fraction. */
  | { readonly epochs: number }
  /**
   * Minutes from the first step, evaluations and checkpoints included. The learning rate follows the time used, so that a
   * run ends on time on any machine; how many steps it makes then depends on the machine, and it cannot be repeated bit by bit.
   */
  | { readonly minutes: number };

export interface TrainerOptions {
  readonly length: RunLength;
  /** Decides first weights, the order of the data (through the loader) and the numbers of random layers. */
  readonly seed: number;
  readonly optimizer: Optimizer;
  readonly weightDecay?: number;
  /** Largest global norm of gradients; none when absent. */
  readonly clip?: number;
  /** Which weights are frozen, and factors on the learning rate of others; all are trained alike by default. */
  readonly groups?: WeightGroups;
  /** The course of the learning rate; its end is the run's. */
  readonly schedule: Omit<Schedule, 'total'> & {
    /** Steps over which the rate falls; those of the run where absent. */
    readonly total?: number | undefined;
  };
  /** Batches averaged for one update; 1 by default. */
  readonly accumulate?: number;
  /** Shapes of batches whose programs are kept; see {@link StepOptions.shapes}. */
  readonly shapes?: number;
  /** What is computed again in the backward pass, to take less memory; nothing by default. */
  readonly recompute?: Recompute;
  /** Decay of averaged weights, e.g. 0.999; none when absent. */
  readonly ema?: number;
  /** Save after so many steps, or seconds, whichever comes first. At the end a checkpoint is saved in any case. */
  readonly checkpointEvery?: { readonly steps?: number; readonly seconds?: number };
  /** Steps between calls of {@link TrainerHooks.evaluate}; never when absent. */
  readonly evaluateEvery?: number;
  /** Steps between calls of {@link TrainerHooks.samples}; never when absent. It is called after the last step too. */
  readonly samplesEvery?: number;
  /** Which evaluation counts as the best, and after how many worse ones the run ends. */
  readonly stopping?: StoppingOptions;
  /** When a loss counts as exploding; see {@link LossWatch}. */
  readonly explosion?: { readonly factor?: number; readonly patience?: number };
  /** Says what the run is; a checkpoint with another identity is refused. */
  readonly identity?: string;
}

/** How a run goes, after each step. */
export interface TrainingProgress {
  /** Updates done. */
  readonly step: number;
  /** Updates of the whole run; unknown where its length is given in minutes. */
  readonly totalSteps: number | undefined;
  readonly seconds: number;
  /** Part of the run that is over, 0 to 1. */
  readonly progress: number;
  readonly result: StepResult;
  readonly learningRate: number;
  readonly samplesPerSecond: number;
}

/** Where a trainer reports to, and what it asks. All may be left out. */
export interface TrainerHooks {
  readonly checkpoints?: CheckpointStore;
  /** Gets a record for each step and each evaluation; synced before a checkpoint that counts on them. */
  readonly metrics?: { append(record: MetricsRecord): Promise<void>; sync(): Promise<void> };
  onStep?(progress: TrainingProgress): void;
  onCheckpoint?(step: number, name: string): void;
  /** Called between steps every {@link TrainerOptions.evaluateEvery} of them. @returns figures for the metrics */
  evaluate?(step: TrainingStep, done: number): Promise<Readonly<Record<string, number>>>;
  /** Called between steps every {@link TrainerOptions.samplesEvery} of them. @returns what the model wrote, for the metrics */
  samples?(step: TrainingStep, done: number): Promise<readonly WrittenSample[]>;
  /** Told of each evaluation that was better than all before. */
  onBest?(best: BestEvaluation): void;
  /** When it is aborted the running step is finished, a checkpoint saved, and the run ends. */
  readonly interrupt?: AbortSignal;
  /** Milliseconds of a clock that never goes back; for tests. */
  readonly now?: () => number;
}

/** How a run ended. */
export interface TrainingOutcome {
  /** `stopped`: patience with {@link TrainerOptions.stopping} ended before the run's length was reached. */
  readonly ended: 'finished' | 'interrupted' | 'stopped';
  readonly steps: number;
  readonly seconds: number;
  /** The last checkpoint. */
  readonly checkpoint: string | undefined;
  /** The best evaluation, where the run is judged by one. */
  readonly best?: BestEvaluation | undefined;
}

/** What is trained, on what, and where. */
export interface TrainerParts {
  readonly runtime: Runtime;
  readonly trainable: Trainable;
  /** Opens the data at a position; without end. A program is compiled for each shape of batches, so let there be few. */
  openData(start: LoaderState | undefined): Promise<Loader>;
  /** Done with each batch before it is learned from: equal batches must come out equal, whatever came before. */
  readonly prepare?: (batch: Batch) => Promise<Batch>;
  /** First weights by path; drawn from the seed when absent. */
  readonly weights?: Readonly<Record<string, HostTensor>>;
  /** Files of weights that are not trained; they are read where they lie. */
  readonly frozen?: WeightFiles;
  /** Checkpoint to go on from. */
  readonly resume?: SavedTraining | undefined;
}
