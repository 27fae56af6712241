// I pictures, B texts, T tokens, E width of the shared space
import { DataError, hostTensor, type HostTensor } from '../core/index.ts';
import type { CheckpointTokenizer, Picture } from '../data/index.ts';
import { compileFromFiles, type ModelWeights } from '../generate/index.ts';
import { input, type Tensor } from '../graph/index.ts';
import { Clip, type PictureProcessor, type Siglip } from '../models/index.ts';
import { runOnce } from '../runtime/run-once.ts';
import type { Program, Runtime } from '../runtime/types.ts';
import { inBatches } from './in-batches.ts';

/** What a pair model is put together from. */
export interface PairParts {
  readonly runtime: Runtime;
  readonly model: Clip | Siglip;
  readonly weights: ModelWeights;
  readonly tokenizer: CheckpointTokenizer;
  /** Turns pictures into what the encoder takes, [I, 3, H, W]. */
  readonly pictures: Pick<PictureProcessor, 'batch' | 'frame'>;
}

/** How well texts fit pictures. */
export interface Similarity {
  /** [I, B] */
  readonly logits: HostTensor<'float32'>;
  /** [I, B]: over the texts for CLIP, for each pair by itself for SigLIP. */
  readonly probabilities: HostTensor<'float32'>;
}

type Programs = Readonly<Record<'image' | 'text' | 'similarity', Program>>;

/** Largest number of pictures or texts in one run. */
const BATCH = 16;

/** A model that puts pictures and texts into one space: CLIP or SigLIP. */
export class PairModel {
  readonly kind = 'pair';
  readonly name: string;
  /** Whether probabilities of the texts of a picture add up to one. */
  readonly exclusive: boolean;
  /** What it was put together from; the model owns the runtime. */
  readonly parts: PairParts;
  readonly #programs: Programs;
  readonly #length: number;

  private constructor(name: string, parts: PairParts, programs: Programs) {
    this.name = name;
    this.exclusive = parts.model instanceof Clip;
    this.parts = parts;
    this.#programs = programs;
    this.#length = parts.model.config.text.maxLength;
  }

  /** Traces and compiles; the model then owns the runtime. @throws DeviceError when the engine refuses a program */
  static async create(name: string, parts: PairParts): Promise<PairModel> {
    const { runtime, model, weights } = parts;
    // Walking the tree gives the weights their names.
    model.parameters();
    const { imageSize } = model.config.vision;
    const { maxLength } = model.config.text;
    const width = model instanceof Clip ? model.config.projection : model.config.vision.width;
    const compile = (outputs: Readonly<Record<string, Tensor>>): Promise<Program> =>
      compileFromFiles(runtime, outputs, weights);
    const features = (axis: string, key: string) => input(key, 'float32', [axis, width]);
    const ids = input('ids', 'int64', ['B', maxLength]);
    const keep = model instanceof Clip ? input('keep', 'float32', ['B', maxLength]) : undefined;
    return new PairModel(name, parts, {
      image: await compile({
        features: model.imageFeatures(input('pixels', 'float32', ['I', 3, imageSize, imageSize])),
      }),
      text: await compile({ features: model.textFeatures(ids, keep) }),
      similarity: await compile({ logits: model.similarity(features('I', 'image'), features('B', 'text')) }),
    });
  }

  /** @returns [I, E], of any length */
  async imageFeatures(pictures: readonly Picture[]): Promise<HostTensor<'float32'>> {
    if (pictures.length === 0) throw new DataError('there is no picture', 'give at least one');
    return inBatches(pictures, BATCH, (batch) => this.#run('image', { pixels: this.parts.pictures.batch(batch) }));
  }

  /** @returns [B, E], of any length */
  async textFeatures(texts: readonly string[]): Promise<HostTensor<'float32'>> {
    if (texts.length === 0) throw new DataError('there is no text', 'give at least one');
    return inBatches(texts, BATCH, (batch) => this.#run('text', this.readTexts(batch)));
  }

  /** What the text tower reads, padded as it was trained. @returns `ids` [B, T], and `keep` [B, T] where padding is masked */
  readTexts(texts: readonly string[]): Readonly<Record<string, HostTensor>> {
    const options = { length: this.#length, maxLength: this.#length, side: 'right' } as const;
    const { ids, mask } = this.parts.tokenizer.encodeBatch(texts, options);
    return { ids, ...(this.exclusive ? { keep: mask } : {}) };
  }

  /** How many tokens of a text are looked at. */
  countTokens(text: string): number {
    return this.parts.tokenizer.encode(text, { maxLength: this.#length }).length;
  }

  /** @param image [I, E]  @param text [B, E] */
  async similarity(image: HostTensor<'float32'>, text: HostTensor<'float32'>): Promise<Similarity> {
    const logits = await this.#run('similarity', { image, text });
    return {
      logits,
      probabilities: this.exclusive ? softmaxRows(logits) : mapped(logits, (x) => 1 / (1 + Math.exp(-x))),
    };
  }

  async dispose(): Promise<void> {
    for (const program of Object.values(this.#programs)) program.dispose();
    await this.parts.runtime.dispose();
  }

  /** Runs a program that has one output. */
  async #run(kind: keyof Programs, tensors: Readonly<Record<string, HostTensor>>): Promise<HostTensor<'float32'>> {
    const [result] = Object.values(await runOnce(this.parts.runtime, this.#programs[kind], tensors));
    return result as HostTensor<'float32'>;
  }
}

function mapped({ shape, data }: HostTensor<'float32'>, change: (x: number) => number): HostTensor<'float32'> {
  return hostTensor('float32', shape, data.map(change));
}

function softmaxRows({ shape, data }: HostTensor<'float32'>): HostTensor<'float32'> {
  const width = shape[1]!;
  const out = data.slice();
  for (let at = 0; at < out.length; at += width) {
    const row = out.subarray(at, at + width);
    const most = row.reduce((a, b) => Math.max(a, b), -Infinity);
    let sum = 0;
    for (let i = 0; i < width; i++) sum += row[i] = Math.exp(row[i]! - most);
    for (let i = 0; i < width; i++) row[i] = row[i]! / sum;
  }
  return hostTensor('float32', shape, out);
}
