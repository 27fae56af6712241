// N pairs of a picture and a text, T tokens, P picture tokens
import { basename, dirname } from 'node:path';
import { CheckpointError, DataError, type HostTensor } from '../../core/index.ts';
import { decodePicture, readPicture } from '../../data/node/index.ts';
import {
  MAX_TEXT_LENGTH,
  onBackground,
  padToSquare,
  type Picture,
  requireText,
  resize,
  TextTokenizer,
  toTensor,
} from '../../data/index.ts';
import { add, input, mul, reduceMean, type Tensor, trace, transpose } from '../../graph/index.ts';
import { openModelFolder, type Weights } from '../../hub/node/index.ts';
import {
  type FusionConfig,
  type FusionPreprocessing,
  parseFusionConfig,
  parsePreprocessing,
  SimpleMultimodalModel,
} from '../../models/index.ts';
import { type ExternalData, lower } from '../../onnx/index.ts';
import { createRuntime } from '../../runtime/node/index.ts';
import type { Program, Runtime } from '../../runtime/types.ts';
import {
  decideClass,
  type Prediction,
  probabilitiesOf,
  type WordAttention,
  wordsOfTokens,
} from '../fusion-prediction.ts';

/** A picture: path of a file, bytes of a file, or pixels. */
export type ImageSource = string | Uint8Array | Picture;

/** A picture and a text about it. */
export interface FusionExample {
  readonly image: ImageSource;
  readonly text: string;
}

export interface FusionPredictorOptions {
  /** Engine to run on; by default a CPU runtime of its own. A runtime that is given is not disposed of. */
  readonly runtime?: Runtime;
}

/**
 * Pairs that go through the model at once, so that memory stays bounded. Programs have fixed sizes: one is compiled for a
 * single pair and, when it is first needed, one for portions; the last portion is filled up with copies.
 */
const PORTION = 16;

/** A trained fusion model, ready to answer. Its weights are read by the engine straight from `model.safetensors`. */
export class FusionPredictor {
  readonly config: FusionConfig;
  readonly processor: FusionPreprocessing;
  readonly tokenizer: TextTokenizer;
  readonly #programs = new Map<number, Promise<Program>>();
  readonly #compile: (pairs: number) => Promise<Program>;
  readonly #runtime: Runtime;
  readonly #ownsRuntime: boolean;
  readonly #grid: readonly [number, number];
  readonly #prefix: number;

  private constructor(parts: {
    config: FusionConfig;
    processor: FusionPreprocessing;
    tokenizer: TextTokenizer;
    compile: (pairs: number) => Promise<Program>;
    runtime: Runtime;
    ownsRuntime: boolean;
    model: SimpleMultimodalModel;
  }) {
    this.config = parts.config;
    this.processor = parts.processor;
    this.tokenizer = parts.tokenizer;
    this.#compile = parts.compile;
    this.#runtime = parts.runtime;
    this.#ownsRuntime = parts.ownsRuntime;
    this.#grid = parts.model.vision_encoder.grid;
    this.#prefix = parts.model.vision_encoder.prefix;
  }

  /**
   * Opens a model folder: `config.json`, `model.safetensors`, `tokenizer.json`, `preprocessor_config.json`.
   * @throws CheckpointError naming the file that is missing or wrong
   */
  static async open(folder: string, options: FusionPredictorOptions = {}): Promise<FusionPredictor> {
    const files = await openModelFolder(folder);
    try {
      const config = parseFusionConfig(files.config, `${folder}/config.json`);
      const retrain = 'use the folder that `sensorium train` wrote, with all of its files';
      if (files.tokenizer === undefined) throw new CheckpointError(`${folder}: no tokenizer.json`, retrain);
      if (files.preprocessor === undefined)
        throw new CheckpointError(`${folder}: no preprocessor_config.json`, retrain);
      const processor = parsePreprocessing(files.preprocessor, `${folder}/preprocessor_config.json`);
      const tokenizer = new TextTokenizer(files.tokenizer, `${folder}/tokenizer.json`);
      checkTogether(folder, config, processor, tokenizer);
      const model = new SimpleMultimodalModel(config);
      const located = locateWeights(folder, model, files.weights);
      const runtime = options.runtime ?? (await createRuntime());
      const ownsRuntime = options.runtime === undefined;
      const compile = (pairs: number): Promise<Program> => compileModel(model, processor, located, runtime, pairs);
      try {
        const predictor = new FusionPredictor({ config, processor, tokenizer, compile, runtime, ownsRuntime, model });
        await predictor.#programFor(1);
        return predictor;
      } catch (error) {
        if (ownsRuntime) await runtime.dispose();
        throw error;
      }
    } finally {
      await files.weights.close();
    }
  }

  /** What the model says of a picture and a text. @throws DataError when the picture or the text cannot be used */
  async predict(image: ImageSource, text: string): Promise<Prediction> {
    return (await this.predictBatch([{ image, text }]))[0]!;
  }

  /** As {@link predict}, for many pairs. A picture that is named several times is read once. */
  async predictBatch(examples: readonly FusionExample[]): Promise<Prediction[]> {
    const predictions: Prediction[] = [];
    for (let start = 0; start < examples.length; start += PORTION) {
      predictions.push(...(await this.#predictPortion(examples.slice(start, start + PORTION))));
    }
    return predictions;
  }

  /** The picture as the model sees it: on white, padded to a square and resized. */
  async prepareImage(image: ImageSource): Promise<Picture> {
    const { imageSize } = this.processor;
    return resize(padToSquare(onBackground(await loadPicture(image))), imageSize, imageSize, 'bilinear');
  }

  async dispose(): Promise<void> {
    for (const program of this.#programs.values()) (await program).dispose();
    this.#programs.clear();
    if (this.#ownsRuntime) await this.#runtime.dispose();
  }

  async #predictPortion(examples: readonly FusionExample[]): Promise<Prediction[]> {
    const { textLength, imageMean: mean, imageDeviation: deviation } = this.processor;
    // Texts first: they are cheap to refuse.
    for (const { text } of examples) checkText(text);
    const filled =
      examples.length === 1
        ? examples
        : [...examples, ...Array.from({ length: PORTION - examples.length }, () => examples[0]!)];
    const { ids, mask } = this.tokenizer.encodeBatch(
      filled.map(({ text }) => text),
      textLength,
    );
    const read = new Map<ImageSource, Picture>();
    const pictures: Picture[] = [];
    for (const { image } of filled) {
      const prepared = read.get(image) ?? (await this.prepareImage(image));
      read.set(image, prepared);
      pictures.push(prepared);
    }
    const { logits, attention } = await this.#run({ pixels: toTensor(pictures, { mean, deviation }), ids, mask });
    return examples.map(({ text }, row) => this.#describe(row, text, ids, logits, attention));
  }

  #programFor(pairs: number): Promise<Program> {
    const known = this.#programs.get(pairs) ?? this.#compile(pairs);
    this.#programs.set(pairs, known);
    return known;
  }

  async #run(tensors: Record<string, HostTensor>): Promise<{ logits: HostTensor; attention: HostTensor }> {
    const program = await this.#programFor(tensors['pixels']!.shape[0]!);
    const values = await Promise.all(
      Object.entries(tensors).map(
        async ([name, tensor]) => [name, await this.#runtime.allocate(tensor.dtype, tensor.shape, tensor)] as const,
      ),
    );
    try {
      const outputs = await program.run(Object.fromEntries(values));
      try {
        return { logits: await outputs['logits']!.read(), attention: await outputs['attention']!.read() };
      } finally {
        for (const value of Object.values(outputs)) value.dispose();
      }
    } finally {
      for (const [, value] of values) value.dispose();
    }
  }

  #describe(
    row: number,
    text: string,
    ids: HostTensor<'int64'>,
    logits: HostTensor,
    attention: HostTensor,
  ): Prediction {
    const { classNames: classes, threshold, textLength } = this.processor;
    const rowLogits = (logits.data as Float32Array).subarray(row * classes.length, (row + 1) * classes.length);
    const probabilities = probabilitiesOf(rowLogits);
    const index = decideClass(rowLogits, threshold);
    const [, tokens, places] = attention.shape as [number, number, number];
    const [rows, cols] = this.#grid;
    const length = Math.min(this.tokenizer.encode(text, textLength).length, tokens);
    const rowIds = [...ids.data.subarray(row * textLength, row * textLength + length)].map(Number);
    // Where a text asks as a whole, there is one map for all of it.
    const asking =
      this.config.pooledText === true ? [{ word: text, positions: [0] }] : wordsOfTokens(this.tokenizer.tokens(rowIds));
    const words = asking.map(({ word, positions }): WordAttention => {
      const values = new Float32Array(rows * cols);
      for (const position of positions) {
        const from = (row * tokens + position) * places + this.#prefix;
        for (let i = 0; i < values.length; i++) values[i]! += (attention.data[from + i] as number) / positions.length;
      }
      return { word, rows, cols, values };
    });
    return {
      class: index,
      label: classes[index]!,
      probabilities: Object.fromEntries(classes.map((name, i) => [name, probabilities[i]!])),
      attention: words,
      truncated: this.tokenizer.encode(text).length > textLength,
    };
  }
}

/**
 * One answer from a model folder or an open model: `await predict('runs/emoji/model', 'cat.png', 'This is a cat.')`.
 * For many answers open a {@link FusionPredictor} once.
 */
export async function predict(model: string | FusionPredictor, image: ImageSource, text: string): Promise<Prediction> {
  if (typeof model !== 'string') return model.predict(image, text);
  const predictor = await FusionPredictor.open(model);
  try {
    return await predictor.predict(image, text);
  } finally {
    await predictor.dispose();
  }
}

async function loadPicture(image: ImageSource): Promise<Picture> {
  if (typeof image === 'string') return readPicture(image);
  return image instanceof Uint8Array ? decodePicture(image, 'the picture') : image;
}

function checkText(text: string): void {
  requireText(text, 'the text');
  if (text.length > MAX_TEXT_LENGTH) {
    throw new DataError(
      `the text has ${text.length} characters, more than ${MAX_TEXT_LENGTH}`,
      'give a sentence or two',
    );
  }
}

function checkTogether(
  folder: string,
  config: FusionConfig,
  processor: FusionPreprocessing,
  tokenizer: TextTokenizer,
): void {
  const faults: string[] = [];
  if (processor.classNames.length !== config.classes)
    faults.push(`${processor.classNames.length} names for ${config.classes} classes`);
  if (processor.imageSize !== config.vision.imageSize)
    faults.push(`pictures of ${processor.imageSize} for a model of ${config.vision.imageSize} pixels`);
  if (processor.textLength > config.text.maxLength)
    faults.push(`texts of ${processor.textLength} for a model of ${config.text.maxLength} tokens`);
  if (tokenizer.vocabSize > config.text.vocabularySize)
    faults.push(`a tokenizer of ${tokenizer.vocabSize} for a model of ${config.text.vocabularySize} ids`);
  if (faults.length > 0)
    throw new CheckpointError(
      `${folder}: its files do not belong together: ${faults.join('; ')}`,
      'use the files of one model',
    );
}

/** Where weights lie: one folder, and a place in one of its files for each of them. */
interface LocatedWeights {
  readonly folder: string;
  readonly places: ReadonlyMap<string, ExternalData>;
}

/** @throws CheckpointError when a weight is missing, of another type or shape, or in another folder than the rest */
function locateWeights(folder: string, model: SimpleMultimodalModel, weights: Weights): LocatedWeights {
  const places = new Map<string, ExternalData>();
  const folders = new Set<string>();
  for (const [name, { dtype, shape }] of model.parameters()) {
    const found = weights.location(name);
    if (found.dtype !== dtype || found.shape.join() !== shape.join()) {
      throw new CheckpointError(
        `${found.path}: ${name} is ${found.dtype}[${found.shape.join(', ')}], but config.json asks for ${dtype}[${shape.join(', ')}]`,
        'use the config.json that was saved with these weights',
      );
    }
    folders.add(dirname(found.path));
    places.set(name, { location: basename(found.path), offset: found.offset, length: found.byteLength });
  }
  const [only, other] = folders;
  if (only === undefined || other !== undefined) {
    throw new CheckpointError(`${folder}: its weights lie in several folders`, 'put all files into one folder');
  }
  return { folder: only, places };
}

/** Traces the model for a number of pairs and lets its weights point into their files. */
async function compileModel(
  model: SimpleMultimodalModel,
  { imageSize, textLength }: FusionPreprocessing,
  weights: LocatedWeights,
  runtime: Runtime,
  pairs: number,
): Promise<Program> {
  const { result: logits, taps } = trace(() =>
    model.forward(
      input('pixels', 'float32', [pairs, 3, imageSize, imageSize]),
      input('ids', 'int64', [pairs, textLength]),
      input('mask', 'float32', [pairs, textLength]),
    ),
  );
  const outputs = { logits, attention: attentionOf(model.config, taps) };
  const device = runtime.device === 'webgpu' ? 'webgpu' : 'cpu';
  const source = lower(outputs, { device, external: (name) => weights.places.get(name) });
  return runtime.compile({ ...source, externalFolder: weights.folder }, { optimization: 'all' });
}

/** [N, T, P], or [N, 1, P] where pooled texts ask: mean over heads and layers, whichever side asks. */
function attentionOf(config: FusionConfig, taps: ReadonlyMap<string, Tensor>): Tensor {
  const maps = Array.from({ length: config.layers }, (_, layer) => {
    const heads = reduceMean(taps.get(`fusion.${layer}.attention.weights`)!, 1);
    return config.query === 'text' ? heads : transpose(heads, [0, 2, 1]);
  });
  return mul(
    maps.reduce((a, b) => add(a, b)),
    1 / maps.length,
  );
}
