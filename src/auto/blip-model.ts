/** BLIP, ready to run: one class for each of its heads (Li et al. 2022, arXiv 2201.12086). */
// B rows, T tokens, S tokens of a question
import { CheckpointError, DataError, hostTensor, type HostTensor } from '../core/index.ts';
import type { CheckpointTokenizer, Picture } from '../data/index.ts';
import { answer, compileFromFiles, Decoding, type ModelWeights } from '../generate/index.ts';
import { input, type Tensor } from '../graph/index.ts';
import {
  answerPrompt,
  type BlipConfig,
  type BlipForConditionalGeneration,
  type BlipForImageTextRetrieval,
  type BlipForQuestionAnswering,
  type BlipProcessor,
  captionPrompt,
  createBlipProcessor,
  fixedSize,
  type ProcessorFiles,
} from '../models/index.ts';
import { runOnce } from '../runtime/run-once.ts';
import type { Program, Runtime } from '../runtime/types.ts';
import type { AnswerOptions, AnswerPiece } from './language-model.ts';

/** Most tokens of a caption or an answer, unless told: BLIP was taught with short ones. */
const MOST_TOKENS = 64;

/** What every head is made of. */
export interface BlipParts {
  /** How messages call the model. */
  readonly name: string;
  /** The model then owns it. */
  readonly runtime: Runtime;
  readonly weights: ModelWeights;
  readonly tokenizer: CheckpointTokenizer;
  readonly processor: BlipProcessor;
}

/** How well a text fits a picture, by both of the ways that BLIP was taught. */
export interface BlipMatch {
  /** That they belong together, from reading the text beside the picture. */
  readonly probability: number;
  /** Cosine of the angle between their vectors. */
  readonly cosine: number;
}

/** @throws CheckpointError when the processor's pictures are not of the size that the model takes */
export function blipProcessor(
  files: ProcessorFiles,
  tokenizer: CheckpointTokenizer,
  { vision: { imageSize } }: BlipConfig,
): BlipProcessor {
  const processor = createBlipProcessor(files, tokenizer);
  const [height, width] = fixedSize(processor.config);
  if (height === imageSize && width === imageSize) return processor;
  throw new CheckpointError(
    `the processor gives pictures of ${width} × ${height}, but the model takes ${imageSize} × ${imageSize}`,
    'processor and model are of different checkpoints: fetch it again, or correct preprocessor_config.json',
  );
}

function pixelsOf({ vision: { channels, imageSize } }: BlipConfig): Tensor {
  return input('pixels', 'float32', ['B', channels, imageSize, imageSize]);
}

/**
 * A text and a picture as a program takes them.
 * @param least fewest tokens of a text
 * @throws DataError when the text has fewer, or more than the model was made for
 */
function prepare(
  { processor }: BlipParts,
  { text: { maxLength } }: BlipConfig,
  picture: Picture,
  text: string,
  least = 1,
): { readonly tokens: readonly number[]; readonly pixels: HostTensor; readonly ids: HostTensor } {
  const { tokens, pictures } = processor.prepare(text, [picture]);
  if (tokens.length < least) throw new DataError('the text has no token', 'give a text');
  if (tokens.length > maxLength)
    throw new DataError(`a text has ${tokens.length} tokens, the model takes ${maxLength}`, 'shorten the text');
  const ids = hostTensor('int64', [1, tokens.length], BigInt64Array.from(tokens, BigInt));
  return { tokens, pixels: pictures[0]!.inputs['pixel_values']!, ids };
}

/** A head that writes: what the decoder attends to is computed once, by a program of its own. */
class BlipWriter<M extends BlipForConditionalGeneration | BlipForQuestionAnswering> {
  readonly parts: BlipParts;
  readonly model: M;
  readonly #decoding: Decoding;
  readonly #cross: Program;

  protected constructor(parts: BlipParts, model: M, decoding: Decoding, cross: Program) {
    this.parts = parts;
    this.model = model;
    this.#decoding = decoding;
    this.#cross = cross;
  }

  get name(): string {
    return this.parts.name;
  }

  protected get config(): BlipConfig {
    return this.model.config;
  }

  /** @param prompt how the text begins  @param inputs of the program of what is attended to */
  protected async *write(
    prompt: readonly number[],
    inputs: Readonly<Record<string, HostTensor>>,
    options: AnswerOptions,
  ): AsyncGenerator<AnswerPiece, void, void> {
    const { runtime, tokenizer } = this.parts;
    const { endToken, maxLength } = this.config.text;
    const context = await runOnce(runtime, this.#cross, inputs);
    const maxNewTokens = Math.max(1, Math.min(MOST_TOKENS, maxLength - prompt.length));
    const { variables: _, ...rest } = options;
    const settings = { maxNewTokens, stopTokens: [endToken], ...rest };
    yield* answer(this.#decoding, [{ tokens: prompt, context }], tokenizer, settings);
  }

  async dispose(): Promise<void> {
    this.#decoding.dispose();
    this.#cross.dispose();
    await this.parts.runtime.dispose();
  }
}

/** Describes pictures. */
export class CaptionModel extends BlipWriter<BlipForConditionalGeneration> {
  readonly kind = 'captioner';

  /** Traces and compiles. @throws DeviceError when the engine refuses a program */
  static async create(model: BlipForConditionalGeneration, parts: BlipParts): Promise<CaptionModel> {
    const { config } = model;
    const decoding = await Decoding.create(parts.runtime, model, parts.weights);
    const cross = await compileFromFiles(parts.runtime, model.crossInputs(pixelsOf(config)), parts.weights);
    return new CaptionModel(parts, model, decoding, cross);
  }

  /**
   * Writes a caption, piece by piece.
   * @param prompt how the caption begins, e.g. "a photography of"; the pieces go on from there
   */
  async *answer(picture: Picture, prompt = '', options: AnswerOptions = {}): AsyncGenerator<AnswerPiece, void, void> {
    const { tokens, pixels } = prepare(this.parts, this.config, picture, prompt, 0);
    yield* this.write(captionPrompt(tokens, this.config.text), { pixels }, options);
  }
}

/** Answers questions about a picture, in a word or a few. */
export class QuestionModel extends BlipWriter<BlipForQuestionAnswering> {
  readonly kind = 'question';

  /** Traces and compiles. @throws DeviceError when the engine refuses a program */
  static async create(model: BlipForQuestionAnswering, parts: BlipParts): Promise<QuestionModel> {
    const { config } = model;
    const decoding = await Decoding.create(parts.runtime, model, parts.weights);
    const question = input('question', 'int64', ['B', 'S']);
    const cross = await compileFromFiles(parts.runtime, model.crossInputs(pixelsOf(config), question), parts.weights);
    return new QuestionModel(parts, model, decoding, cross);
  }

  /** Writes an answer, piece by piece. */
  async *answer(
    picture: Picture,
    question: string,
    options: AnswerOptions = {},
  ): AsyncGenerator<AnswerPiece, void, void> {
    const { pixels, ids } = prepare(this.parts, this.config, picture, question);
    yield* this.write(answerPrompt(this.config.text), { pixels, question: ids }, options);
  }
}

/** Tells whether a text fits a picture. */
export class MatchModel {
  readonly kind = 'matcher';
  readonly parts: BlipParts;
  readonly model: BlipForImageTextRetrieval;
  readonly #program: Program;

  private constructor(parts: BlipParts, model: BlipForImageTextRetrieval, program: Program) {
    this.parts = parts;
    this.model = model;
    this.#program = program;
  }

  /** Traces and compiles. @throws DeviceError when the engine refuses the program */
  static async create(model: BlipForImageTextRetrieval, parts: BlipParts): Promise<MatchModel> {
    // Walking the tree gives the weights their names.
    model.parameters();
    const pixels = pixelsOf(model.config);
    const ids = input('ids', 'int64', ['B', 'T']);
    const program = await compileFromFiles(
      parts.runtime,
      { itm: model.forward(pixels, ids), cosines: model.cosines(pixels, ids) },
      parts.weights,
    );
    return new MatchModel(parts, model, program);
  }

  get name(): string {
    return this.parts.name;
  }

  /** Holds a text against a picture. @throws DataError when the text is longer than the model was made for */
  async match(picture: Picture, text: string): Promise<BlipMatch> {
    const { pixels, ids } = prepare(this.parts, this.model.config, picture, text);
    const { itm, cosines } = await runOnce(this.parts.runtime, this.#program, { pixels, ids });
    const [no, yes] = itm!.data as Float32Array;
    return { probability: 1 / (1 + Math.exp(no! - yes!)), cosine: (cosines!.data as Float32Array)[0]! };
  }

  async dispose(): Promise<void> {
    this.#program.dispose();
    await this.parts.runtime.dispose();
  }
}
