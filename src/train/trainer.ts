import { Random, TrainingError } from '../core/index.ts';
import type { Batch } from '../data/dataset.ts';
import type { Loader, LoaderState } from '../data/loader.ts';
import type { SavedTraining, TrainingState } from './checkpoints.ts';
import { describeGroups } from './groups.ts';
import { LossWatch } from './loss-watch.ts';
import { withEma } from './optimizers.ts';
import { learningRateAt, rateShape } from './schedule.ts';
import { signatureOf } from './signature.ts';
import { sampleRecords } from './metrics.ts';
import { TrainingStep, type StepResult } from './step.ts';
import { EarlyStopping } from './stopping.ts';
import type { TrainerHooks, TrainerOptions, TrainerParts, TrainingOutcome } from './trainer-options.ts';

export type * from './trainer-options.ts';

/**
 * Trains: takes batches, makes steps, keeps records and checkpoints. With a length in steps or epochs, equal seeds give
 * bit-identical losses on one machine at one thread count, whether the run was interrupted or not.
 */
export class Trainer {
  /** The model on its device; its weights can be read at any time between steps. */
  readonly step: TrainingStep;
  /** Updates of the whole run; undefined where its length is given in minutes. */
  readonly totalSteps: number | undefined;
  readonly #options: TrainerOptions;
  readonly #hooks: TrainerHooks;
  readonly #loader: Loader;
  readonly #watch: LossWatch;
  readonly #stopping: EarlyStopping | undefined;
  readonly #now: () => number;
  readonly #groups: string | undefined;
  readonly #prepare: (batch: Batch) => Promise<Batch>;
  #ahead: Batch | undefined;
  #data: LoaderState;
  #done: number;
  #checkpoint: string | undefined;
  #savedStep: number | undefined;
  /** Seconds of earlier processes, and when this one began. */
  readonly #before: number;
  #began: number;
  #savedAt: number;

  private constructor(
    { resume, prepare = asItIs }: TrainerParts,
    options: TrainerOptions,
    hooks: TrainerHooks,
    loader: Loader,
    data: LoaderState,
    first: Batch,
    step: TrainingStep,
    groups: string | undefined,
  ) {
    this.#prepare = prepare;
    this.#groups = groups;
    this.#options = options;
    this.#hooks = hooks;
    this.#loader = loader;
    this.#data = data;
    this.#ahead = first;
    this.step = step;
    this.totalSteps = totalSteps(options, loader.batchesPerEpoch);
    this.#watch = new LossWatch({ ...options.explosion, ...(resume && { state: resume.state.watch }) });
    this.#stopping = options.stopping && new EarlyStopping(options.stopping, resume?.state.stopping);
    this.#now = hooks.now ?? (() => performance.now());
    this.#done = resume?.state.step ?? 0;
    this.#checkpoint = resume?.name;
    this.#savedStep = resume?.state.step;
    this.#before = resume?.state.seconds ?? 0;
    this.#began = this.#savedAt = this.#now();
  }

  /** Opens the data, compiles the step and sets first or saved weights. @throws TrainingError for a checkpoint of another run */
  static async open(parts: TrainerParts, options: TrainerOptions, hooks: TrainerHooks = {}): Promise<Trainer> {
    const { runtime, trainable, resume } = parts;
    const { groups } = options;
    const described = groups && describeGroups(trainable.model.parameters().keys(), groups);
    if (resume !== undefined) checkIdentity(resume, options, described);
    const loader = await parts.openData(resume?.state.data);
    try {
      const data = loader.state;
      const first = await loader.next();
      if (first === undefined)
        throw new TrainingError('the data has no batch', 'lower the batch size, or give more data');
      const { prepare = asItIs } = parts;
      const ready = await prepare(first.batch);
      const initial = parts.weights ?? trainable.model.initialize(new Random(options.seed));
      const { weightDecay = 0, clip, accumulate = 1, ema, shapes, recompute } = options;
      const step = await TrainingStep.create(runtime, trainable, signatureOf(ready), initial, {
        optimizer: ema === undefined ? options.optimizer : withEma(options.optimizer, ema),
        weightDecay,
        accumulate,
        // Other threads make batches meanwhile.
        spinning: false,
        // Programs for several shapes run in turn.
        pooled: true,
        ...(clip === undefined ? {} : { clip }),
        ...(groups === undefined ? {} : { groups }),
        ...(shapes === undefined ? {} : { shapes }),
        ...(recompute === undefined ? {} : { recompute }),
        ...(parts.frozen === undefined ? {} : { frozen: parts.frozen }),
      });
      if (resume !== undefined) {
        await step.writeWeights(Object.fromEntries(await resume.readWeights()));
        await step.writeOptimizer(Object.fromEntries(await resume.readOptimizer()));
      }
      return new Trainer(parts, options, hooks, loader, data, ready, step, described);
    } catch (error) {
      await loader.close();
      throw error;
    }
  }

  /** Updates done. */
  get done(): number {
    return this.#done;
  }

  /** Seconds of training so far, over all resumes. */
  get seconds(): number {
    return this.#before + (this.#now() - this.#began) / 1000;
  }

  /** Part of the run that is over, 0 to 1. */
  get progress(): number {
    const { length } = this.#options;
    if ('minutes' in length) return Math.min(1, this.seconds / (60 * length.minutes));
    return Math.min(1, this.#done / this.totalSteps!);
  }

  /**
   * Trains to the end, until interrupted, or until an evaluation as good as the best has been waited for in vain. Where the
   * best is kept, {@link Trainer.step} holds its weights afterwards, unless the run was interrupted.
   * @throws TrainingError for a loss or gradient that is not finite and for an exploding loss, naming the step, the
   *   samples of its batch and the last good checkpoint
   */
  async run(): Promise<TrainingOutcome> {
    this.#began = this.#savedAt = this.#now();
    const { checkpointEvery = {}, evaluateEvery, samplesEvery } = this.#options;
    const { interrupt } = this.#hooks;
    const goesOn = (): boolean => this.progress < 1 && this.#stopping?.over !== true;
    while (goesOn() && interrupt?.aborted !== true) {
      await this.#takeStep();
      const better = evaluateEvery !== undefined && this.#done % evaluateEvery === 0 && (await this.#evaluate());
      if (samplesEvery !== undefined && (this.#done % samplesEvery === 0 || !goesOn())) await this.#sample();
      const bySteps = checkpointEvery.steps !== undefined && this.#done % checkpointEvery.steps === 0;
      const waited = (this.#now() - this.#savedAt) / 1000;
      const bySeconds = checkpointEvery.seconds !== undefined && waited >= checkpointEvery.seconds;
      if (better || bySteps || bySeconds) await this.#save();
    }
    await this.#save();
    const ended = this.progress >= 1 ? 'finished' : this.#stopping?.over === true ? 'stopped' : 'interrupted';
    const outcome = { ended, steps: this.#done, seconds: this.seconds, checkpoint: this.#checkpoint } as const;
    if (this.#stopping === undefined) return outcome;
    if (ended !== 'interrupted') await this.#restoreBest();
    return { ...outcome, best: this.#stopping.best };
  }

  /** Ends the loader and frees the device's memory. */
  async close(): Promise<void> {
    await this.#loader.close();
    this.step.dispose();
  }

  async #takeStep(): Promise<void> {
    const { seed, accumulate = 1, schedule } = this.#options;
    const began = this.#now();
    const learningRate = this.#learningRate();
    const batches: Batch[] = [];
    while (batches.length < accumulate) batches.push(await this.#nextBatch());
    const result = await this.step.run(
      batches.map(({ tensors }) => tensors),
      { step: this.#done, seed, learningRate },
    );
    const ids = batches.flatMap((batch) => batch.ids);
    this.#done++;
    const samplesPerSecond = (1000 * ids.length) / Math.max(1e-3, this.#now() - began);
    await this.#hooks.metrics?.append({
      kind: 'train',
      step: this.#done,
      seconds: this.seconds,
      loss: result.loss,
      parts: result.figures,
      learningRate,
      gradientNorm: result.gradientNorm,
      samplesPerSecond,
    });
    this.#check(result, ids, this.#done > schedule.warmup);
    const { totalSteps, seconds, progress } = this;
    this.#hooks.onStep?.({ step: this.#done, totalSteps, seconds, progress, result, learningRate, samplesPerSecond });
  }

  #learningRate(): number {
    const { schedule } = this.#options;
    const total = schedule.total ?? this.totalSteps;
    if (total !== undefined) return learningRateAt({ ...schedule, total }, this.#done);
    const warm = Math.min(1, (this.#done + 1) / Math.max(1, schedule.warmup));
    return schedule.learningRate * warm * rateShape(schedule, this.progress);
  }

  async #nextBatch(): Promise<Batch> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const loaded = ahead === undefined ? await this.#loader.next() : undefined;
    const batch = ahead ?? (loaded && (await this.#prepare(loaded.batch)));
    if (batch === undefined)
      throw new TrainingError('the data ended before the run', 'open it without a number of epochs');
    this.#data = this.#loader.state;
    return batch;
  }

  #check(result: StepResult, ids: readonly string[], warm: boolean): void {
    const { loss, gradientNorm } = result;
    const finite = Number.isFinite(loss) && Number.isFinite(gradientNorm);
    if (finite && this.#watch.observe(loss, warm) !== 'exploded') return;
    const what = finite
      ? `the loss exploded to ${loss.toPrecision(4)} from a running median of ${this.#watch.median.toPrecision(4)}`
      : `the loss is ${loss} and the norm of the gradients ${gradientNorm}`;
    const shown = ids.length > 64 ? [...ids.slice(0, 64), `… and ${ids.length - 64} more`] : ids;
    const last = this.#checkpoint === undefined ? 'none was saved yet' : this.#checkpoint;
    throw new TrainingError(
      `step ${this.#done}: ${what}\n  samples of the batch: ${shown.join('; ')}\n  last good checkpoint: ${last}`,
      'lower the learning rate, lengthen the warm-up or clip gradients, and look at the samples',
    );
  }

  /** @returns whether this is to be kept as the best */
  async #evaluate(): Promise<boolean> {
    const values = await this.#hooks.evaluate?.(this.step, this.#done);
    if (values === undefined) return false;
    await this.#hooks.metrics?.append({ kind: 'validation', step: this.#done, seconds: this.seconds, values });
    // Weights that are not saved cannot be the best.
    if (this.#stopping === undefined || this.#watch.doubtful) return false;
    if (!this.#stopping.observe(values, this.#done)) return false;
    this.#hooks.onBest?.(this.#stopping.best!);
    return this.#options.stopping?.keepBest !== false;
  }

  async #sample(): Promise<void> {
    const samples = await this.#hooks.samples?.(this.step, this.#done);
    for (const record of sampleRecords(samples ?? [], this.#done, this.seconds))
      await this.#hooks.metrics?.append(record);
  }

  /** Puts the weights of the best evaluation back, where they are kept. */
  async #restoreBest(): Promise<void> {
    const best = this.#stopping?.best;
    if (best === undefined || best.step === this.#done || this.#options.stopping?.keepBest === false) return;
    const saved = await this.#hooks.checkpoints?.at?.(best.step);
    if (saved === undefined) return;
    await this.step.writeWeights(Object.fromEntries(await saved.readWeights()));
    await this.step.writeOptimizer(Object.fromEntries(await saved.readOptimizer()));
  }

  /** Records first, then the checkpoint that counts on them. Weights of doubtful losses are not saved. */
  async #save(): Promise<void> {
    this.#savedAt = this.#now();
    const { checkpoints, metrics } = this.#hooks;
    await metrics?.sync();
    if (checkpoints === undefined || this.#savedStep === this.#done || this.#watch.doubtful) return;
    const state: TrainingState = {
      step: this.#done,
      seed: this.#options.seed,
      data: this.#data,
      seconds: this.seconds,
      watch: this.#watch.state,
      identity: this.#options.identity ?? '',
      groups: this.#groups,
      ...(this.#stopping === undefined ? {} : { stopping: this.#stopping.state }),
    };
    this.#checkpoint = await checkpoints.save(state, await this.step.readWeights(), await this.step.readOptimizer());
    this.#savedStep = this.#done;
    this.#savedAt = this.#now();
    this.#hooks.onCheckpoint?.(this.#done, this.#checkpoint);
  }
}

function asItIs(batch: Batch): Promise<Batch> {
  return Promise.resolve(batch);
}

function totalSteps({ length, accumulate = 1 }: TrainerOptions, batchesPerEpoch: number): number | undefined {
  if ('steps' in length) return length.steps;
  if ('epochs' in length) return Math.max(1, Math.floor((length.epochs * batchesPerEpoch) / accumulate));
  return undefined;
}

function checkIdentity(
  { name, state }: SavedTraining,
  { seed, identity = '' }: TrainerOptions,
  groups: string | undefined,
): void {
  if (state.seed === seed && state.identity === identity && state.groups === groups) return;
  throw new TrainingError(
    `${name} is of another run: its seed, model, data or settings differ`,
    'resume with the recipe and the settings of that run, or choose a new folder for this one',
  );
}
