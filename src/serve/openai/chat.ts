/** Answers `POST /v1/chat/completions`, whole or piece by piece. */
import type { GeneratedToken } from '../../generate/index.ts';
import { readBody } from '../body.ts';
import type { ServeContext, Services } from '../context.ts';
import { dataEvent } from '../event-stream.ts';
import { identifier } from '../identifier.ts';
import { inScope } from '../in-scope.ts';
import type { WantedAnswer } from './answering-options.ts';
import type { ChatChunk, ChatCompletion, ChunkChoice, Finish, Usage } from './chat-answer.ts';
import { chatRequest, type ChatRequest, refuseUnsupported } from './chat-request.ts';
import { type TokenLogProbability, TokenWriter } from './log-probabilities.ts';
import { openAnswer, type OpenAnswer } from './open-answer.ts';
import { wantedOfChat } from './response-format.ts';

interface ChatAnswer extends OpenAnswer {
  readonly id: string;
  /** Present where log-probabilities are wanted. */
  readonly writer: TokenWriter | undefined;
  readonly choices: number;
}

export async function chatCompletions(c: ServeContext, services: Services): Promise<Response> {
  const request = await readBody(c, chatRequest);
  refuseUnsupported(request);
  return inScope(c, services, async (scope) => {
    const { model, messages, logprobs, n, stream, stream_options } = request;
    const open = await openAnswer(c, services, scope, {
      model,
      messages,
      wanted: wantedAnswer(request),
      maps: request.sensorium?.maps === true,
    });
    const answer: ChatAnswer = {
      ...open,
      id: identifier('chatcmpl-'),
      writer: logprobs === true ? new TokenWriter(open.tokenizer) : undefined,
      choices: n ?? 1,
    };
    if (stream !== true) return c.json(await wholeAnswer(answer));
    return {
      events: chunks(answer, stream_options?.include_usage === true),
      onError: (error) => dataEvent(services.failure(c, error).body),
    };
  });
}

function wantedAnswer(request: ChatRequest): WantedAnswer {
  return {
    maxTokens: request.max_completion_tokens ?? request.max_tokens,
    temperature: request.temperature,
    topP: request.top_p,
    topK: request.top_k,
    minP: request.min_p,
    repetitionPenalty: request.repetition_penalty,
    presencePenalty: request.presence_penalty,
    frequencyPenalty: request.frequency_penalty,
    seed: request.seed,
    stop: request.stop,
    answers: request.n,
    logProbabilities: request.logprobs,
    alternatives: request.top_logprobs,
    format: wantedOfChat(request.response_format),
    whole: request.sensorium?.whole,
  };
}

async function wholeAnswer({
  id,
  created,
  model,
  promptTokens,
  pieces,
  writer,
  choices,
}: ChatAnswer): Promise<ChatCompletion> {
  const texts = Array.from({ length: choices }, () => '');
  const entries = texts.map((): TokenLogProbability[] => []);
  const finishes = texts.map((): Finish => 'length');
  let [count, known] = [0, 0];
  for await (const { text, token } of pieces) {
    count++;
    known = token.known ?? known;
    texts[token.row] += text;
    const entry = writer?.entry(token);
    if (entry !== undefined) entries[token.row]!.push(entry);
    if (token.finish !== undefined) finishes[token.row] = token.finish;
  }
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: texts.map((content, index) => ({
      index,
      message: { role: 'assistant', content, refusal: null },
      logprobs: writer === undefined ? null : { content: entries[index]!, refusal: null },
      finish_reason: finishes[index]!,
    })),
    usage: usageOf(promptTokens, known, count),
  };
}

/** The answer as events, the role first and the usage last. */
async function* chunks(answer: ChatAnswer, withUsage: boolean): AsyncGenerator<string, void, void> {
  const { id, created, model, promptTokens, pieces, writer, choices, maps } = answer;
  const chunk = (parts: Pick<ChatChunk, 'choices' | 'usage'>): string =>
    dataEvent({
      id,
      object: 'chat.completion.chunk',
      created,
      model,
      ...(withUsage ? { usage: null } : {}),
      ...parts,
    } satisfies ChatChunk);
  let [count, known] = [0, 0];
  let begun = false;
  const ends = new Set(answer.ends);
  for await (const { text, token } of pieces) {
    if (!begun) {
      begun = true;
      for (let index = 0; index < choices; index++)
        yield chunk({
          choices: [{ index, delta: { role: 'assistant', content: '' }, logprobs: null, finish_reason: null }],
        });
    }
    count++;
    known = token.known ?? known;
    const entry = writer?.entry(token);
    // What ends the answer was not looked for in the picture.
    const map = maps === undefined || ends.has(token.token) ? undefined : await maps.next(token.token);
    if (text !== '' || entry !== undefined || map !== undefined) {
      const written = choice(token, { content: text }, entry, null);
      yield chunk({ choices: [map === undefined ? written : { ...written, sensorium: { map, grid: maps!.grid } }] });
    }
    if (token.finish !== undefined) yield chunk({ choices: [choice(token, {}, undefined, token.finish)] });
  }
  if (withUsage) yield chunk({ choices: [], usage: usageOf(promptTokens, known, count) });
  yield 'data: [DONE]\n\n';
}

function choice(
  token: GeneratedToken,
  delta: ChunkChoice['delta'],
  entry: TokenLogProbability | undefined,
  finish: Finish | null,
): ChunkChoice {
  const logprobs = entry === undefined ? null : { content: [entry], refusal: null };
  return { index: token.row, delta, logprobs, finish_reason: finish };
}

function usageOf(promptTokens: number, known: number, completionTokens: number): Usage {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: known },
  };
}
