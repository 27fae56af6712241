import { Random, TrainingError, type HostTensor } from '../core/index.ts';
import type { Loader } from '../data/loader.ts';
import type { Runtime } from '../runtime/types.ts';
import type { Trainable } from './objective.ts';
import type { Optimizer } from './optimizers.ts';
import { signatureOf } from './signature.ts';
import { TrainingStep } from './step.ts';

/** A model, its objective and its weights in memory: what a small program holds on to between epochs. */
export interface LiveModel {
  readonly runtime: Runtime;
  readonly trainable: Trainable;
  /** By path; {@link trainEpoch} puts the new ones here. */
  weights: Record<string, HostTensor>;
}

/** A model with weights drawn from a seed. */
export function liveModel(runtime: Runtime, trainable: Trainable, seed: number): LiveModel {
  return { runtime, trainable, weights: trainable.model.initialize(new Random(seed)) };
}

/** How {@link ModelOptimizer} updates. */
export interface ModelOptimizerOptions {
  readonly learningRate: number;
  readonly weightDecay?: number;
  /** Largest global norm of gradients; none when absent. */
  readonly clip?: number;
  /** Seed of random layers; 0 by default. */
  readonly seed?: number;
}

/** An optimiser with its state for one model, compiled at the first batch. */
export class ModelOptimizer {
  /** May be changed between epochs. */
  learningRate: number;
  readonly #optimizer: Optimizer;
  readonly #options: ModelOptimizerOptions;
  #live: { readonly model: LiveModel; readonly step: TrainingStep } | undefined;
  #done = 0;

  constructor(optimizer: Optimizer, options: ModelOptimizerOptions) {
    this.#optimizer = optimizer;
    this.#options = options;
    this.learningRate = options.learningRate;
  }

  /** One update. @returns the loss before it. @throws TrainingError when it is not finite, or for a second model */
  async update(model: LiveModel, tensors: Readonly<Record<string, HostTensor>>): Promise<number> {
    if (this.#live !== undefined && this.#live.model !== model) {
      throw new TrainingError('this optimizer belongs to another model', 'make one for each model');
    }
    const { weightDecay = 0, clip, seed = 0 } = this.#options;
    this.#live ??= {
      model,
      step: await TrainingStep.create(
        model.runtime,
        model.trainable,
        signatureOf({ tensors, ids: [] }),
        model.weights,
        {
          optimizer: this.#optimizer,
          weightDecay,
          ...(clip === undefined ? {} : { clip }),
        },
      ),
    };
    const { loss } = await this.#live.step.run([tensors], { step: this.#done, seed, learningRate: this.learningRate });
    if (!Number.isFinite(loss))
      throw new TrainingError(`the loss is ${loss} after ${this.#done} updates`, 'lower the learning rate');
    this.#done++;
    return loss;
  }

  /** Copies the trained weights into the model. */
  async publish(model: LiveModel): Promise<void> {
    if (this.#live?.model === model) model.weights = await this.#live.step.readWeights();
  }

  /** Frees the device's memory. */
  dispose(): void {
    this.#live?.step.dispose();
    this.#live = undefined;
  }
}

/**
 * One pass over the data, with the loss that the model's objective names (cross-entropy for a fusion model).
 * @param loader endless, or at the start of a pass; batches of few shapes
 * @returns mean loss over the batches; the model then holds the new weights
 * @throws TrainingError when a loss is not finite
 */
export async function trainEpoch(model: LiveModel, loader: Loader, optimizer: ModelOptimizer): Promise<number> {
  let sum = 0;
  let count = 0;
  while (count < loader.batchesPerEpoch) {
    const loaded = await loader.next();
    if (loaded === undefined) break;
    sum += await optimizer.update(model, loaded.batch.tensors);
    count++;
  }
  if (count === 0)
    throw new TrainingError(
      'the loader has no batch left',
      'open it anew for each pass, or without a number of epochs',
    );
  await optimizer.publish(model);
  return sum / count;
}
