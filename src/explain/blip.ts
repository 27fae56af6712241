// T tokens, S tokens of a question, P patches, V vocabulary
import type { BlipParts, CaptionModel, MatchModel, QuestionModel } from '../auto/index.ts';
import { DataError, hostTensor, type HostTensor } from '../core/index.ts';
import type { Picture } from '../data/index.ts';
import { type AnswerPiece, compileFromFiles, logProbabilityOf } from '../generate/index.ts';
import { input, type Tensor, trace } from '../graph/index.ts';
import { answerPrompt, type BlipConfig, captionPrompt, cellsOf } from '../models/index.ts';
import { runOnce } from '../runtime/run-once.ts';
import type { Program } from '../runtime/types.ts';
import { tokenTexts } from './answer-tokens.ts';
import type { Explanation } from './explain.ts';
import { explanationOf } from './explanation-of.ts';
import { blipMaps, rowOfStreams, streamRelevance } from './graphs/streams.ts';
import { type GridMap, onGrid } from './grid.ts';

/** How what BLIP says is explained. */
export interface ExplainBlipOptions {
  /** Explains this answer in place of the model's own. */
  readonly answer?: string;
  /** Most tokens of the model's own answer. */
  readonly maxTokens?: number;
}

/** What a program is given, and what is differentiated. */
interface Asked {
  readonly inputs: Readonly<Record<string, HostTensor>>;
  /** From inputs to scores, [1, T, V] or [1, 2]. */
  readonly forward: (inputs: Readonly<Record<string, Tensor>>) => Tensor;
  /** What is explained: which token it is chosen after, and where its score stands. */
  readonly targets: readonly { readonly row: number; readonly at: number }[];
}

/**
 * Explains what BLIP writes or how it judges by relevance through attention to the picture (Chefer et al. 2021, arXiv 2103.15679).
 * @param text a question, the beginning of a caption, or the text that is held against the picture
 * @throws DataError where there is nothing to explain
 */
export async function explainBlip(
  model: CaptionModel | QuestionModel | MatchModel,
  picture: Picture,
  text: string,
  options: ExplainBlipOptions = {},
): Promise<Explanation> {
  if (model.kind === 'matcher') return explainMatch(model, picture, text);
  const { tokenizer, processor } = model.parts;
  const { tokens: read, pictures } = processor.prepare(text, [picture]);
  const pieces = model.answer(picture, text, settings(options));
  const { endToken } = model.model.config.text;
  const written =
    options.answer === undefined
      ? (await tokensOf(pieces)).filter((token) => token !== endToken)
      : tokenizer.encode(options.answer, { specialTokens: false });
  if (written.length === 0) throw new DataError('the answer is empty: there is nothing to explain', 'ask otherwise');
  const start =
    model.kind === 'question' ? answerPrompt(model.model.config.text) : captionPrompt(read, model.model.config.text);
  const vocabulary = model.model.config.text.vocabularySize;
  const asked: Asked = {
    inputs: {
      pixels: pictures[0]!.inputs['pixel_values']!,
      ids: integers([...start, ...written]),
      ...(model.kind === 'question' ? { question: integers(read) } : {}),
    },
    forward: ({ pixels, ids, question }) =>
      model.kind === 'question' ? model.model.forward(pixels!, question!, ids!) : model.model.forward(pixels!, ids!),
    targets: written.map((token, k) => {
      const row = start.length + k - 1;
      return { row, at: row * vocabulary + token };
    }),
  };
  const { scores, maps } = await relevanceOf(model.parts, model.model.config, picture, asked);
  const texts = tokenTexts(tokenizer, written);
  const logprobs = written.map((token, k) => {
    const { row } = asked.targets[k]!;
    return logProbabilityOf(scores.subarray(row * vocabulary, (row + 1) * vocabulary), token);
  });
  return explanationOf(picture, texts, logprobs, maps);
}

/** Why a text is held to fit a picture. */
async function explainMatch({ parts, model }: MatchModel, picture: Picture, text: string): Promise<Explanation> {
  const { tokens, pictures } = parts.processor.prepare(text, [picture]);
  const asked: Asked = {
    inputs: { pixels: pictures[0]!.inputs['pixel_values']!, ids: integers(tokens) },
    forward: ({ pixels, ids }) => model.forward(pixels!, ids!),
    // The first token stands for the whole text; the second score says that it fits.
    targets: [{ row: 0, at: 1 }],
  };
  const { scores, maps } = await relevanceOf(parts, model.config, picture, asked);
  return explanationOf(picture, [text], [logProbabilityOf(scores.subarray(0, 2), 1)], maps);
}

async function relevanceOf(
  { runtime, weights, processor }: BlipParts,
  { vision: { imageSize, patchSize } }: BlipConfig,
  picture: Picture,
  { inputs, forward, targets }: Asked,
): Promise<{ readonly scores: Float32Array; readonly maps: GridMap[] }> {
  const side = Math.floor(imageSize / patchSize);
  const regions = cellsOf(side, side, processor.frame(picture));
  const symbols = Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, shape }]) => [name, input(name, dtype, shape)]),
  );
  const { result, taps } = trace(() => forward(symbols));
  const shape = result.shape as number[];
  const found = streamRelevance(result, input('seed', 'float32', shape), blipMaps(taps));
  const outputs = { scores: result, ...rowOfStreams(found, input('row', 'int64', [1])) };
  const program: Program = await compileFromFiles(runtime, outputs, weights, { exact: true });
  try {
    const maps: GridMap[] = [];
    let scores: Float32Array = new Float32Array();
    for (const { row, at } of targets) {
      const seed = hostTensor('float32', shape);
      seed.data[at] = 1;
      const given = { ...inputs, seed, row: hostTensor('int64', [1], BigInt64Array.of(BigInt(row))) };
      const results = await runOnce(runtime, program, given);
      scores = results['scores']!.data as Float32Array;
      // Before the patches stands the class token.
      maps.push(onGrid(regions, (results['across']!.data as Float32Array).subarray(1)));
    }
    return { scores, maps };
  } finally {
    program.dispose();
  }
}

function settings({ maxTokens }: ExplainBlipOptions): { temperature: number; maxNewTokens?: number } {
  return { temperature: 0, ...(maxTokens === undefined ? {} : { maxNewTokens: maxTokens }) };
}

async function tokensOf(pieces: AsyncIterable<AnswerPiece>): Promise<number[]> {
  const tokens: number[] = [];
  for await (const { token } of pieces) tokens.push(token.token);
  return tokens;
}

function integers(values: readonly number[]): HostTensor<'int64'> {
  return hostTensor('int64', [1, values.length], BigInt64Array.from(values, BigInt));
}
