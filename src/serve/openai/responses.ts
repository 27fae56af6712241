/** Answers `POST /v1/responses`, whole or as events. */
import { readBody } from '../body.ts';
import type { ServeContext, Services } from '../context.ts';
import { namedEvent } from '../event-stream.ts';
import { identifier } from '../identifier.ts';
import { inScope } from '../in-scope.ts';
import type { WantedAnswer } from './answering-options.ts';
import type { Finish } from './chat-answer.ts';
import { type TokenLogProbability, TokenWriter } from './log-probabilities.ts';
import { openAnswer, type OpenAnswer } from './open-answer.ts';
import { wantedOfResponse } from './response-format.ts';
import {
  ended,
  type OutputMessage,
  type OutputText,
  type ResponseHead,
  responseOf,
  responsesUsage,
  type Status,
  statusOf,
  UNDER_WAY,
} from './responses-answer.ts';
import {
  conversationOf,
  refuseUnsupported,
  responsesRequest,
  type ResponsesRequest,
  wantsLogProbabilities,
} from './responses-request.ts';

interface Answer extends OpenAnswer {
  readonly head: ResponseHead;
  /** Name of the message. */
  readonly item: string;
  readonly writer: TokenWriter | undefined;
}

export async function responses(c: ServeContext, services: Services): Promise<Response> {
  const request = await readBody(c, responsesRequest);
  refuseUnsupported(request);
  return inScope(c, services, async (scope) => {
    const { model, stream } = request;
    const wanted = wantedAnswer(request);
    const open = await openAnswer(c, services, scope, { model, ...conversationOf(request), wanted });
    const answer: Answer = {
      ...open,
      head: { id: identifier('resp_'), created: open.created, model: open.model, request },
      item: identifier('msg_'),
      writer: wanted.logProbabilities === true ? new TokenWriter(open.tokenizer) : undefined,
    };
    if (stream !== true) return c.json(await whole(answer));
    const numbers = new SequenceNumbers();
    return {
      events: events(answer, numbers),
      onError: (error) => {
        const { body } = services.failure(c, error);
        const { code, message, param } = body.error;
        // The `openai` package looks for the error by itself, others for the event's own fields.
        return numbers.event('error', { code, message, param, ...body });
      },
    };
  });
}

function wantedAnswer(request: ResponsesRequest): WantedAnswer {
  const logProbabilities = wantsLogProbabilities(request);
  return {
    maxTokens: request.max_output_tokens,
    temperature: request.temperature,
    topP: request.top_p,
    logProbabilities,
    alternatives: request.top_logprobs,
    format: wantedOfResponse(request.text?.format),
  };
}

async function whole({ head, item, pieces, writer, promptTokens }: Answer): Promise<ReturnType<typeof responseOf>> {
  let text = '';
  let [count, known] = [0, 0];
  let finish: Finish = 'length';
  const entries: TokenLogProbability[] = [];
  for await (const piece of pieces) {
    count++;
    known = piece.token.known ?? known;
    text += piece.text;
    finish = piece.token.finish ?? finish;
    const entry = writer?.entry(piece.token);
    if (entry !== undefined) entries.push(entry);
  }
  const message = messageOf(item, statusOf(finish), [outputText(text, entries)]);
  return responseOf(head, ended(message, finish, responsesUsage(promptTokens, known, count)));
}

/** Numbers events as they are sent. */
class SequenceNumbers {
  #next = 0;

  event(type: string, data: object): string {
    return namedEvent(type, { type, sequence_number: this.#next++, ...data });
  }
}

/** The answer as events: begun, its text piece by piece, and each thing that was begun ended again. */
async function* events(answer: Answer, numbers: SequenceNumbers): AsyncGenerator<string, void, void> {
  const { head, item, pieces, writer, promptTokens } = answer;
  const place = { item_id: item, output_index: 0, content_index: 0 };
  let text = '';
  let [count, known] = [0, 0];
  let finish: Finish = 'length';
  const entries: TokenLogProbability[] = [];
  for await (const piece of pieces) {
    if (count === 0) {
      yield numbers.event('response.created', { response: responseOf(head, UNDER_WAY) });
      yield numbers.event('response.in_progress', { response: responseOf(head, UNDER_WAY) });
      yield numbers.event('response.output_item.added', {
        output_index: 0,
        item: messageOf(item, 'in_progress', []),
      });
      yield numbers.event('response.content_part.added', { ...place, part: outputText('', []) });
    }
    count++;
    known = piece.token.known ?? known;
    text += piece.text;
    finish = piece.token.finish ?? finish;
    const entry = writer?.entry(piece.token);
    if (entry !== undefined) entries.push(entry);
    if (piece.text !== '' || entry !== undefined)
      yield numbers.event('response.output_text.delta', {
        ...place,
        delta: piece.text,
        logprobs: entry === undefined ? [] : [entry],
      });
  }
  const part = outputText(text, entries);
  const message = messageOf(item, statusOf(finish), [part]);
  yield numbers.event('response.output_text.done', { ...place, text, logprobs: entries });
  yield numbers.event('response.content_part.done', { ...place, part });
  yield numbers.event('response.output_item.done', { output_index: 0, item: message });
  const response = responseOf(head, ended(message, finish, responsesUsage(promptTokens, known, count)));
  yield numbers.event(`response.${response.status}`, { response });
}

function outputText(text: string, logprobs: readonly TokenLogProbability[]): OutputText {
  return { type: 'output_text', text, annotations: [], logprobs };
}

function messageOf(id: string, status: Status, content: readonly OutputText[]): OutputMessage {
  return { id, type: 'message', role: 'assistant', status, content };
}
