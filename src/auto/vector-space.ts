// I pictures, B texts, T tokens, A width of the shared space
import { hostTensor, type HostTensor, joinRows } from '../core/index.ts';
import type { CheckpointTokenizer, Picture } from '../data/index.ts';
import { compileFromFiles, type ModelWeights } from '../generate/index.ts';
import { input } from '../graph/index.ts';
import type { ImageTextProcessor, SensoriumVL } from '../models/index.ts';
import { runOnce } from '../runtime/run-once.ts';
import type { Program, Runtime } from '../runtime/types.ts';
import { inBatches } from './in-batches.ts';

/** Largest number of pictures or texts in one run. */
const BATCH = 32;

/** Puts pictures and texts into one space: what a model that converses can do beside. Vectors are of length 1. */
export class VectorSpace {
  readonly #runtime: Runtime;
  readonly #programs: Readonly<Record<'pictures' | 'texts', Program>>;
  readonly #tokenizer: CheckpointTokenizer;
  readonly #processor: ImageTextProcessor;
  readonly #marker: string;
  readonly #endToken: number;

  private constructor(
    runtime: Runtime,
    programs: Readonly<Record<'pictures' | 'texts', Program>>,
    tokenizer: CheckpointTokenizer,
    processor: ImageTextProcessor,
    { imageToken, endToken }: { readonly imageToken: number; readonly endToken: number },
  ) {
    this.#runtime = runtime;
    this.#programs = programs;
    this.#tokenizer = tokenizer;
    this.#processor = processor;
    this.#marker = tokenizer.decode([imageToken], { specialTokens: true });
    this.#endToken = endToken;
  }

  /** Traces and compiles. @throws DeviceError when the engine refuses a program */
  static async create(
    runtime: Runtime,
    model: SensoriumVL,
    weights: ModelWeights,
    tokenizer: CheckpointTokenizer,
    processor: ImageTextProcessor,
  ): Promise<VectorSpace> {
    const { imageSize } = model.config.vision;
    const pixels = input('pixel_values', 'float32', ['I', 3, imageSize, imageSize]);
    const most = model.config.text.maxLength;
    const ids = input('ids', 'int64', ['B', Math.min(MAX_TOKENS, most)]);
    const programs = {
      pictures: await compileFromFiles(runtime, { vectors: model.pictureVectors(model.patches(pixels)) }, weights),
      texts: await compileFromFiles(
        runtime,
        { vectors: model.textVectors(ids, input('ends', 'int64', ['B'])) },
        weights,
      ),
    };
    return new VectorSpace(runtime, programs, tokenizer, processor, model.config);
  }

  /** @returns [I, A] */
  async ofPictures(pictures: readonly Picture[]): Promise<HostTensor<'float32'>> {
    return inBatches(pictures, BATCH, (batch) => {
      const prepared = batch.flatMap((picture) => this.#processor.prepare(this.#marker, [picture]).pictures);
      const pixels = joinRows(prepared.map(({ inputs }) => inputs['pixel_values'] as HostTensor<'float32'>));
      return this.#run('pictures', { pixel_values: pixels });
    });
  }

  /** @returns [B, A] */
  async ofTexts(texts: readonly string[]): Promise<HostTensor<'float32'>> {
    return inBatches(texts, BATCH, (batch) => {
      const length = MAX_TOKENS;
      const ids = hostTensor(
        'int64',
        [batch.length, length],
        new BigInt64Array(batch.length * length).fill(BigInt(this.#endToken)),
      );
      const ends = hostTensor('int64', [batch.length]);
      for (const [row, text] of batch.entries()) {
        const tokens = this.#tokenizer.encode(text, { specialTokens: false, maxLength: length - 1 });
        for (const [i, token] of tokens.entries()) ids.data[row * length + i] = BigInt(token);
        ends.data[row] = BigInt(row * length + tokens.length);
      }
      return this.#run('texts', { ids, ends });
    });
  }

  dispose(): void {
    for (const program of Object.values(this.#programs)) program.dispose();
  }

  async #run(
    kind: 'pictures' | 'texts',
    tensors: Readonly<Record<string, HostTensor>>,
  ): Promise<HostTensor<'float32'>> {
    const { vectors } = await runOnce(this.#runtime, this.#programs[kind], tensors);
    return vectors as HostTensor<'float32'>;
  }
}

/** Tokens of a text that are looked at. */
const MAX_TOKENS = 64;
