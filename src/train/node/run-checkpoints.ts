import { z } from 'zod';
import type { HostTensor } from '../../core/index.ts';
import { parseConfig } from '../../hub/index.ts';
import { RunFolder, type RunCheckpoint } from '../../hub/node/run-folder.ts';
import { tensorSources } from '../../hub/node/safetensors-file.ts';
import type { CheckpointStore, SavedTraining, TrainingState } from '../checkpoints.ts';

const count = z.int().nonnegative();
const dataSchema = z.strictObject({ epoch: count, batch: count });
const extraSchema = z.strictObject({
  seed: count,
  seconds: z.number().nonnegative(),
  watch: z.strictObject({
    first: z.array(z.number()).max(1000),
    recent: z.array(z.number()).max(1000),
    suspicious: count,
  }),
  identity: z.string(),
  groups: z.string().optional(),
  stopping: z
    .strictObject({ best: z.strictObject({ step: count, value: z.number() }).optional(), waited: count })
    .optional(),
});

/** The checkpoints of a run in a folder; see {@link RunFolder} for how they stay whole. */
export class RunCheckpoints implements CheckpointStore {
  readonly #folder: RunFolder;
  /** Step of the best one when the last one was saved, by this process or the one before it. */
  #best: number | undefined;

  private constructor(folder: RunFolder) {
    this.#folder = folder;
  }

  /** @param keep how many stay; 2 by default. @throws CheckpointError */
  static async open(path: string, keep?: number): Promise<RunCheckpoints> {
    return new RunCheckpoints(await RunFolder.open(path, keep === undefined ? {} : { keep }));
  }

  async save(
    state: TrainingState,
    weights: Readonly<Record<string, HostTensor>>,
    optimizer: Readonly<Record<string, HostTensor>>,
  ): Promise<string> {
    const { step, data, seed, seconds, watch, identity, groups, stopping } = state;
    const best = stopping?.best?.step;
    // The best one so far stays until a better one has been followed by another checkpoint.
    const protect = [...new Set([best, this.#best].filter((step) => step !== undefined))];
    const path = await this.#folder.save(
      {
        state: {
          step,
          epoch: data.epoch,
          data: { ...data },
          // Random layers draw from the seed and the step alone.
          random: { steps: [seed, step] },
          extra: {
            seed,
            seconds,
            watch: { ...watch },
            identity,
            ...(groups === undefined ? {} : { groups }),
            ...(stopping === undefined
              ? {}
              : { stopping: { waited: stopping.waited, ...(stopping.best && { best: { ...stopping.best } }) } }),
          },
        },
        model: tensorSources(Object.entries(weights)),
        optimizer: tensorSources(Object.entries(optimizer)),
      },
      protect,
    );
    this.#best = best;
    return path;
  }

  /** The checkpoint of a step, or nothing. @throws CheckpointError when it is damaged */
  async at(step: number): Promise<SavedTraining | undefined> {
    const found = await this.#folder.at(step);
    return found === undefined ? undefined : savedTraining(found);
  }

  /** The newest whole checkpoint, or nothing. @param onIgnored told of damaged ones. @throws CheckpointError */
  async latest(onIgnored?: (path: string, reason: string) => void): Promise<SavedTraining | undefined> {
    const found = await this.#folder.latest(onIgnored);
    const saved = found === undefined ? undefined : savedTraining(found);
    this.#best = saved?.state.stopping?.best?.step;
    return saved;
  }
}

function savedTraining(checkpoint: RunCheckpoint): SavedTraining {
  const { path, state } = checkpoint;
  const where = `${path}/state.json`;
  const data = parseConfig(dataSchema, state.data, where);
  const extra = parseConfig(extraSchema, state.extra, where);
  return {
    name: path,
    state: { step: state.step, data, ...extra },
    readWeights: () => checkpoint.readModel(),
    readOptimizer: () => checkpoint.readOptimizer(),
  };
}
