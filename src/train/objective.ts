import type { DType } from '../core/index.ts';
import type { Tensor } from '../graph/index.ts';
import type { Module } from '../nn/index.ts';

/** Type and shape of one tensor of a batch. */
export interface BatchTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export type BatchSignature = Readonly<Record<string, BatchTensor>>;

/** What a training step computes: the loss that is minimised, and figures to be shown beside it, all scalars. */
export interface LossGraph {
  readonly loss: Tensor;
  readonly figures: Readonly<Record<string, Tensor>>;
}

/** A model with a loss on batches: all that a trainer needs to know. */
export interface Trainable {
  readonly model: Module;
  /**
   * The same model once more, whose weights are the averages (slot `ema`) of the model's: `momentum.` and the path of a weight
   * of {@link model}. Only read; absent where no objective asks for it.
   */
  readonly momentum?: Module | undefined;
  /** Traces the loss on symbolic tensors named like those of the batch. */
  loss(batch: Readonly<Record<string, Tensor>>): LossGraph;
}
