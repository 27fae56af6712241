import type { LanguageModel, Message, WeightedAdapter } from '../auto/index.ts';
import { DataError } from '../core/index.ts';
import type { AnswerPiece, GeneratedToken, Prompt, TextOptions } from '../generate/index.ts';
import { tokenTexts } from './answer-tokens.ts';
import { Exchange } from './exchange.ts';
import { type Faithfulness, faithfulness } from './faithfulness.ts';
import { type Grid, listed, normalized, sumOf } from './grid.ts';
import { EXPLANATION_METHODS, type ExplanationMethod, METHODS } from './methods/index.ts';
import { OpenedModel } from './opened-model.ts';
import { traceOf } from './trace.ts';

/** How an answer is explained. */
export interface ExplainOptions {
  /** Unless told `looking` for models that were taught where to look, and else `relevance`. */
  readonly method?: ExplanationMethod;
  /** Whether it is measured how far the map tells what the model used; takes some 50 more runs of the model. */
  readonly faithfulness?: boolean;
  /** Most tokens of an answer that the model has yet to give. */
  readonly maxTokens?: number;
  /** Which of the conversation's pictures is explained, from 0; the last one unless told. */
  readonly picture?: number;
  /** Adapters that it answers with; those of the model unless told. */
  readonly adapters?: readonly WeightedAdapter[];
  /** Answers where the conversation ends with a question; the model itself unless told. */
  readonly answer?: (prompt: Prompt, options: TextOptions) => AsyncIterable<AnswerPiece>;
  /** Further variables of the chat template. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Ends the work within one run of the model; what is thrown is its reason. */
  readonly signal?: AbortSignal;
}

/** A step of an answer, with the part of the picture that it rests on. */
export interface ExplainedStep {
  readonly text: string;
  /** Tokens that it is made of, from `start` to before `end`. */
  readonly start: number;
  readonly end: number;
  /** A box that it writes, or else where its map is greatest; in parts of the picture's sides. */
  readonly box?: readonly [left: number, top: number, right: number, bottom: number];
  readonly map: readonly number[];
}

/** Why a model gave an answer. Maps lie over the whole picture, row by row; they add up to 1, or have no weight at all. */
export interface Explanation {
  readonly method: ExplanationMethod;
  readonly answer: string;
  readonly picture: { readonly width: number; readonly height: number };
  readonly grid: Grid;
  /** Of the whole answer. */
  readonly overall: readonly number[];
  readonly tokens: readonly {
    /** What the token adds to the answer; nothing for the first parts of a letter. */
    readonly text: string;
    readonly logprob: number;
    readonly map: readonly number[];
  }[];
  /** In answers of several steps. */
  readonly trace?: readonly ExplainedStep[];
  readonly faithfulness?: Faithfulness;
}

/** Tokens of an answer that are explained, at most. */
const MOST_TOKENS = 256;

/**
 * Explains an answer about a picture by what of the picture it owes to.
 * @param messages a conversation that ends with a question, which the model then answers, or with the assistant's answer
 * @throws DataError for a conversation without pictures or an empty answer, and for models that read no pictures
 */
export async function explain(
  model: LanguageModel,
  messages: readonly Message[],
  options: ExplainOptions = {},
): Promise<Explanation> {
  const opened = OpenedModel.of(model);
  // What the pointing game chose; attention that was never taught to look says less.
  const { method = opened.model.lookingHead === undefined ? 'relevance' : 'looking' } = options;
  if (!EXPLANATION_METHODS.includes(method))
    throw new DataError(
      `there is no method '${(method as string).slice(0, 40)}'`,
      `choose among ${EXPLANATION_METHODS.join(', ')}`,
    );
  const exchange = await exchangeOf(opened, messages, options);
  return opened.queue.run(async () => {
    opened.use(options.adapters, options.signal);
    return explained(exchange, method, options);
  });
}

async function explained(
  exchange: Exchange,
  method: ExplanationMethod,
  { faithfulness: measured = false }: ExplainOptions,
): Promise<Explanation> {
  const { tokenizer, processor } = exchange.opened.language.parts;
  const { answer } = exchange.parts;
  const texts = tokenTexts(tokenizer, answer);
  const chosen = [...answer.keys()];
  const maps = await METHODS[method](exchange, chosen);
  const scores = await exchange.scores(await exchange.features());
  const overall = normalized(sumOf(maps));
  const { width, height } = exchange.picture;
  const trace = traceOf(texts, maps, exchange.picture, processor?.grounding);
  return {
    method,
    answer: texts.join(''),
    picture: { width, height },
    grid: { rows: overall.rows, cols: overall.cols },
    overall: listed(overall),
    tokens: texts.map((text, k) => ({ text, logprob: scores[k]!, map: listed(normalized(maps[k]!)) })),
    ...(trace === undefined ? {} : { trace: trace.map((step) => ({ ...step, map: listed(step.map) })) }),
    ...(measured ? { faithfulness: await faithfulness(exchange, overall, chosen) } : {}),
  };
}

/** Question and answer; the model answers where the conversation ends with a question. */
async function exchangeOf(
  opened: OpenedModel,
  messages: readonly Message[],
  options: ExplainOptions,
): Promise<Exchange> {
  const { language } = opened;
  const last = messages.at(-1);
  const isAnswered = last?.role === 'assistant';
  const asked = isAnswered ? messages.slice(0, -1) : messages;
  const { text, pictures } = language.written(asked, options.variables);
  const picture = options.picture ?? pictures.length - 1;
  if (pictures[picture] === undefined)
    throw new DataError(
      pictures.length === 0
        ? 'the conversation has no picture, and answers are explained by what was looked at'
        : `the conversation has ${pictures.length} pictures, and none is number ${picture}`,
      'give a picture with the question',
    );
  const answer = isAnswered ? writtenAnswer(language, last) : await given(language, asked, options);
  if (answer.length === 0)
    throw new DataError('the answer is empty: there is nothing to explain', 'ask another question');
  return new Exchange(opened, { text, pictures, picture, answer: answer.slice(0, MOST_TOKENS) });
}

function writtenAnswer({ parts: { tokenizer } }: LanguageModel, { content }: Message): number[] {
  const text =
    typeof content === 'string' ? content : content.map((part) => (part.type === 'text' ? part.text : '')).join('');
  return tokenizer.encode(text, { specialTokens: false });
}

/** The model's own answer, without the token that ends it. */
async function given(
  language: LanguageModel,
  messages: readonly Message[],
  { answer, maxTokens, variables, signal }: ExplainOptions,
): Promise<number[]> {
  const prompt = await language.prompt(messages, variables);
  const settings: TextOptions = {
    temperature: 0,
    maxNewTokens: Math.min(maxTokens ?? MOST_TOKENS, MOST_TOKENS),
    ...(signal === undefined ? {} : { signal }),
  };
  const tokens: GeneratedToken[] = [];
  for await (const { token } of answer?.(prompt, settings) ?? language.answer(prompt, settings)) tokens.push(token);
  const ends = new Set(language.parts.stopTokens);
  return tokens.map(({ token }) => token).filter((token) => !ends.has(token));
}
