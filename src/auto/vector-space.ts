// I pictures, B texts, T tokens, A width of the shared space
import { type HostTensor, joinRows } from '../core/index.ts';
import type { CheckpointTokenizer, Picture } from '../data/index.ts';
import { AdaptableProgram, compileFromFiles, type LayerChanges, type ModelWeights } from '../generate/index.ts';
import { exp, input, type Tensor } from '../graph/index.ts';
import { endedTexts, type ImageTextProcessor, type SensoriumVL } from '../models/index.ts';
import { runOnce } from '../runtime/run-once.ts';
import type { Runtime } from '../runtime/types.ts';
import { inBatches } from './in-batches.ts';

/** Largest number of pictures or texts in one run. */
const BATCH = 32;
/** Tokens of a text that are looked at. */
const MAX_TOKENS = 64;

type Side = 'pictures' | 'texts';

/**
 * Puts pictures and texts into one space: what a model that converses can do beside. Vectors are of length 1. Each side is
 * compiled when it is first asked for.
 */
export class VectorSpace {
  readonly #runtime: Runtime;
  readonly #model: SensoriumVL;
  readonly #weights: ModelWeights;
  readonly #tokenizer: CheckpointTokenizer;
  readonly #processor: ImageTextProcessor;
  /** T. */
  readonly #length: number;
  readonly #programs = new Map<Side, Promise<AdaptableProgram>>();
  #changes: LayerChanges = new Map();
  #scale: Promise<number> | undefined;

  constructor(
    runtime: Runtime,
    model: SensoriumVL,
    weights: ModelWeights,
    tokenizer: CheckpointTokenizer,
    processor: ImageTextProcessor,
  ) {
    this.#runtime = runtime;
    this.#model = model;
    this.#weights = weights;
    this.#tokenizer = tokenizer;
    this.#processor = processor;
    this.#length = Math.min(MAX_TOKENS, model.config.text.maxLength);
  }

  /** @returns [I, A]  @throws DeviceError when the engine refuses the program */
  async ofPictures(pictures: readonly Picture[]): Promise<HostTensor<'float32'>> {
    const marker = this.#tokenizer.decode([this.#model.imageToken], { specialTokens: true });
    return inBatches(pictures, BATCH, (batch) => {
      const prepared = this.#processor.prepare(marker.repeat(batch.length), batch).pictures;
      const pixels = joinRows(prepared.map(({ inputs }) => inputs['pixel_values'] as HostTensor<'float32'>));
      return this.#run('pictures', { pixel_values: pixels });
    });
  }

  /** @returns [B, A]  @throws DeviceError when the engine refuses the program */
  async ofTexts(texts: readonly string[]): Promise<HostTensor<'float32'>> {
    return inBatches(texts, BATCH, (batch) =>
      this.#run('texts', endedTexts(batch, this.#tokenizer, this.#model.config.endToken, this.#length)),
    );
  }

  /** By what cosines are multiplied before they become shares of a probability, as the model was taught. */
  async scale(): Promise<number> {
    this.#scale ??= this.#readScale();
    return this.#scale;
  }

  /** How many tokens of a text are looked at. */
  countTokens(text: string): number {
    return Math.min(this.#length, this.#tokenizer.encode(text, { specialTokens: false }).length);
  }

  /** Exchanges adapters. @throws DeviceError when the engine refuses the changed program */
  async adapt(changes: LayerChanges): Promise<void> {
    this.#changes = changes;
    for (const program of this.#programs.values()) await (await program).adapt(changes);
  }

  dispose(): void {
    for (const program of this.#programs.values())
      void program.then(
        (compiled) => compiled.dispose(),
        () => {},
      );
    this.#programs.clear();
  }

  async #run(side: Side, tensors: Readonly<Record<string, HostTensor>>): Promise<HostTensor<'float32'>> {
    const lease = (await this.#program(side)).lease();
    try {
      const { vectors } = await runOnce(this.#runtime, lease.program, tensors, lease.values);
      return vectors as HostTensor<'float32'>;
    } finally {
      lease.end();
    }
  }

  async #readScale(): Promise<number> {
    const outputs = { scale: exp(this.#model.logit_scale.tensor) };
    const program = await compileFromFiles(this.#runtime, outputs, this.#weights);
    try {
      const { scale } = await runOnce(this.#runtime, program, {});
      return Number(scale!.data[0]);
    } finally {
      program.dispose();
    }
  }

  #program(side: Side): Promise<AdaptableProgram> {
    const known = this.#programs.get(side);
    if (known !== undefined) return known;
    const compiled = this.#compile(side);
    this.#programs.set(side, compiled);
    // What was refused may be tried again.
    compiled.catch(() => this.#programs.delete(side));
    return compiled;
  }

  async #compile(side: Side): Promise<AdaptableProgram> {
    const model = this.#model;
    const outputs = (): Record<string, Tensor> => ({
      vectors:
        side === 'pictures'
          ? model.pictureVectors(model.patches(model.pictureInputs().pixel_values))
          : model.textVectors(input('ids', 'int64', ['B', this.#length]), input('ends', 'int64', ['B'])),
    });
    const program = await AdaptableProgram.create({ runtime: this.#runtime, model, weights: this.#weights, outputs });
    // An exchange while it was compiled is not missed: it waits for this promise.
    await program.adapt(this.#changes);
    return program;
  }
}
