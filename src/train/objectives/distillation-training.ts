import { add, mul, type Tensor } from '../../graph/index.ts';
import { Module } from '../../nn/index.ts';
import type { WeightGroup } from '../groups.ts';
import type { LossGraph, Trainable } from '../objective.ts';
import { distillationLoss, type DistillationOptions } from './distillation.ts';

type Batch = Readonly<Record<string, Tensor>>;

/** Who learns from whom. */
export interface DistillationParts {
  readonly student: Module;
  /** @returns the student's logits [..., C] */
  readonly studentLogits: (batch: Batch) => Tensor;
  /** A bigger model in the same graph, which stays as it is; without it batches carry its logits as `teacher_logits`. */
  readonly teacher?: { readonly module: Module; readonly logits: (batch: Batch) => Tensor };
  /** The loss with true labels; only the teacher is followed without it. */
  readonly hardLoss?: (logits: Tensor, batch: Batch) => Tensor;
  /** Which rows count, see {@link DistillationOptions.weights}. */
  readonly weights?: (batch: Batch) => Tensor;
  /** 2 unless given; see {@link distillationLoss}. */
  readonly temperature?: number;
  /** Part of the loss that follows the teacher; 0.5 beside true labels unless given. */
  readonly share?: number;
}

/**
 * A model that learns from a bigger one (Hinton et al. 2015, arXiv 1503.02531): (1 − share) of the loss with true labels and
 * `share` of {@link distillationLoss}. Its weights lie under `network.`, the teacher's, which must be frozen by
 * {@link DistillationTraining.groups}, under `teacher.`.
 */
export class DistillationTraining extends Module implements Trainable {
  readonly network: Module;
  readonly teacher: Module | undefined;
  readonly #parts: DistillationParts;

  constructor(parts: DistillationParts) {
    super();
    this.network = parts.student;
    this.teacher = parts.teacher?.module;
    this.#parts = parts;
  }

  /** Freezes the teacher; for a training step. */
  static groups(path: string): WeightGroup {
    return { train: !path.startsWith('teacher.'), rate: 1 };
  }

  get model(): Module {
    return this;
  }

  loss(batch: Batch): LossGraph {
    const { teacher, hardLoss, weights, temperature = 2 } = this.#parts;
    const logits = this.#parts.studentLogits(batch);
    const options: DistillationOptions = {
      temperature,
      ...(weights === undefined ? {} : { weights: weights(batch) }),
    };
    const soft = distillationLoss(logits, teacher?.logits(batch) ?? batch['teacher_logits']!, options);
    const hard = hardLoss?.(logits, batch);
    if (hard === undefined) return { loss: soft, figures: {} };
    const share = this.#parts.share ?? 0.5;
    return { loss: add(mul(hard, 1 - share), mul(soft, share)), figures: { distillation: soft, labels: hard } };
  }
}
