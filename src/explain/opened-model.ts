import { changesOf, type LanguageModel, type WeightedAdapter } from '../auto/index.ts';
import { CheckpointError, DataError, type HostTensor } from '../core/index.ts';
import { AdaptableProgram, type LayerChanges, type ModelWeights, type ProgramLease } from '../generate/index.ts';
import type { Tensor } from '../graph/index.ts';
import { type ImageTextModel, type ImageTextProcessor, readsPictures } from '../models/index.ts';
import { WorkQueue } from '../runtime/queue.ts';
import { runOnce } from '../runtime/run-once.ts';
import type { Runtime } from '../runtime/types.ts';

/** Programs of a model that are kept; the one that was used longest ago goes first. */
const KEPT = 12;

interface Kept {
  readonly program: AdaptableProgram;
  /** What it was adapted to last. */
  changes: LayerChanges;
}

const NO_CHANGES: LayerChanges = new Map();

const opened = new WeakMap<LanguageModel, OpenedModel>();

/**
 * A loaded model whose inner values can be had: programs of their own, over the same weights where they lie. They are unfused, so that
 * attention maps are there, and exact, so that gradients are those of what is computed.
 */
export class OpenedModel {
  readonly model: ImageTextModel;
  readonly processor: ImageTextProcessor;
  readonly language: LanguageModel;
  /** Explanations come one after another: adapters of one must not reach another. */
  readonly queue: WorkQueue = new WorkQueue();
  readonly runtime: Runtime;
  readonly #weights: ModelWeights;
  readonly #programs = new Map<string, Kept>();
  #changes: LayerChanges = NO_CHANGES;
  #signal: AbortSignal | undefined;

  private constructor(
    language: LanguageModel,
    model: ImageTextModel,
    processor: ImageTextProcessor,
    source: { readonly runtime: Runtime; readonly weights: ModelWeights },
  ) {
    this.language = language;
    this.model = model;
    this.processor = processor;
    this.runtime = source.runtime;
    this.#weights = source.weights;
  }

  /** The same for the same model. @throws DataError for a model that reads no pictures */
  static of(language: LanguageModel): OpenedModel {
    const known = opened.get(language);
    if (known !== undefined) return known;
    const { source, processor } = language.parts;
    if (processor === undefined || source === undefined || !readsPictures(source.model))
      throw new DataError(
        `${language.name} reads no pictures, and answers are explained by what was looked at`,
        'use a model that does, such as the starter',
      );
    // Walking the tree gives the weights their names.
    source.model.parameters();
    const made = new OpenedModel(language, source.model, processor, source);
    opened.set(language, made);
    return made;
  }

  /**
   * From now on programs run with these adapters; those of the model unless told.
   * @param signal ends what is under way: the next run throws its reason
   */
  use(adapters: readonly WeightedAdapter[] = this.language.adapters, signal?: AbortSignal): void {
    this.#changes = adapters.length === 0 ? NO_CHANGES : changesOf(adapters);
    this.#signal = signal;
  }

  /**
   * Runs a program, which is traced and compiled where it is not yet known.
   * @param name tells programs apart, sizes included
   * @throws DeviceError when the engine refuses it or it fails
   */
  async run(
    name: string,
    outputs: () => Readonly<Record<string, Tensor>>,
    tensors: Readonly<Record<string, HostTensor>>,
  ): Promise<Record<string, HostTensor<'float32'>>> {
    this.#signal?.throwIfAborted();
    const lease = await this.#lease(name, outputs, true);
    try {
      return (await runOnce(this.runtime, lease.program, tensors, lease.values)) as Record<
        string,
        HostTensor<'float32'>
      >;
    } finally {
      lease.end();
    }
  }

  /** A program that is run many times, for inference alone. End the lease. @throws DeviceError when the engine refuses it */
  lease(name: string, outputs: () => Readonly<Record<string, Tensor>>): Promise<ProgramLease> {
    return this.#lease(name, outputs, false);
  }

  async #lease(name: string, outputs: () => Readonly<Record<string, Tensor>>, exact: boolean): Promise<ProgramLease> {
    const kept = await this.#kept(name, outputs, exact);
    if (kept.changes !== this.#changes) {
      await kept.program.adapt(this.#changes);
      kept.changes = this.#changes;
    }
    return kept.program.lease();
  }

  async #kept(name: string, outputs: () => Readonly<Record<string, Tensor>>, exact: boolean): Promise<Kept> {
    const known = this.#programs.get(name);
    this.#programs.delete(name);
    const source = { runtime: this.runtime, model: this.model, weights: this.#weights, outputs, exact };
    const kept = known ?? { program: await AdaptableProgram.create(source), changes: NO_CHANGES };
    this.#programs.set(name, kept);
    if (this.#programs.size > KEPT) {
      const [oldest, { program }] = this.#programs.entries().next().value!;
      this.#programs.delete(oldest);
      program.dispose();
    }
    return kept;
  }
}

/** @throws CheckpointError */
export function noMaps(name: string): CheckpointError {
  return new CheckpointError(
    `${name} shows no attention maps`,
    'use a method that needs none: input-gradient, integrated-gradients, grad-cam or occlusion',
  );
}
