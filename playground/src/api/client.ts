/** The server's endpoints, as the page uses them. */
import { ApiError, isRecord, messageOf, request, requestJson, serverEvents, textOr } from './http.ts';
import { readExplanation, readGrid, readBoxes, readMap } from './read.ts';
import type {
  Application,
  ChatChunk,
  Explanation,
  Grounding,
  Message,
  Method,
  TuningEvent,
  TuningExample,
} from './types.ts';

/** Names of models and of adapters (`model:adapter`) that requests may name. */
export async function listModels(): Promise<string[]> {
  const { data } = await requestJson('v1/models');
  if (!Array.isArray(data)) throw new ApiError('garbled', 'v1/models: data is missing');
  return data.flatMap((entry: unknown) => (isRecord(entry) && typeof entry['id'] === 'string' ? [entry['id']] : []));
}

export interface ChatRequest {
  readonly model: string;
  readonly messages: readonly Message[];
  readonly maxTokens?: number;
  /** Asks for a map with each token. */
  readonly maps?: boolean;
  /** Name and JSON schema that the answer must have. */
  readonly schema?: { readonly name: string; readonly schema: unknown };
}

/** @throws ApiError, also in the middle of an answer */
export async function* streamChat(chat: ChatRequest, signal: AbortSignal): AsyncGenerator<ChatChunk> {
  const response = await request('v1/chat/completions', {
    signal,
    body: {
      model: chat.model,
      messages: chat.messages,
      stream: true,
      ...(chat.maxTokens === undefined ? {} : { max_tokens: chat.maxTokens }),
      // An answer in a form is of use only as a whole.
      sensorium: { maps: chat.maps === true, whole: chat.schema !== undefined },
      ...(chat.schema === undefined
        ? {}
        : { response_format: { type: 'json_schema', json_schema: { ...chat.schema, strict: true } } }),
    },
  });
  for await (const { data } of serverEvents(response)) {
    if (data === '[DONE]') return;
    const value = parse(data);
    const problem = messageOf(value);
    if (problem !== undefined) throw new ApiError('server', problem);
    const choice: unknown = Array.isArray(value['choices']) ? value['choices'][0] : undefined;
    if (isRecord(choice)) yield readChunk(choice);
  }
}

function readChunk(choice: Record<string, unknown>): ChatChunk {
  const { delta, sensorium, finish_reason: finish } = choice;
  const text = isRecord(delta) && typeof delta['content'] === 'string' ? delta['content'] : '';
  const extra = isRecord(sensorium) ? sensorium : {};
  const grid = readGrid(extra['grid']);
  const map = grid && readMap(extra['map'], grid);
  return {
    text,
    ...(grid && map ? { grid, map } : {}),
    ...(typeof extra['picture'] === 'number' ? { picture: extra['picture'] } : {}),
    ...(typeof finish === 'string' ? { finish } : {}),
  };
}

/** Where the model looked, for an answer that is the last of the messages. */
export async function explain(
  asked: { model: string; messages: readonly Message[]; method?: Method; faithfulness?: boolean },
  signal?: AbortSignal,
): Promise<Explanation> {
  return readExplanation(await requestJson('v1/explain', { body: asked, ...(signal ? { signal } : {}) }));
}

/** @param image data URL */
export async function ground(model: string, image: string, phrase: string, signal: AbortSignal): Promise<Grounding> {
  const value = await requestJson('v1/ground', { body: { model, image, phrase }, signal });
  return { boxes: readBoxes(value['boxes']), text: textOr(value['text'], '') };
}

/** @returns identifier of the tuning */
export async function startTuning(tuning: {
  model: string;
  name: string;
  examples: readonly TuningExample[];
  seconds: number;
}): Promise<string> {
  const { id } = await requestJson('v1/tunings', { body: tuning });
  if (typeof id !== 'string') throw new ApiError('garbled', 'v1/tunings: id is missing');
  return id;
}

export async function* tuningEvents(id: string, signal: AbortSignal): AsyncGenerator<TuningEvent> {
  const response = await request(`v1/tunings/${encodeURIComponent(id)}/events`, { signal });
  for await (const { event, data } of serverEvents(response)) {
    const value = parse(data);
    const read = readTuningEvent(event === 'message' ? textOr(value['type'], '') : event, value);
    if (read !== undefined) yield read;
  }
}

function readTuningEvent(event: string, value: Record<string, unknown>): TuningEvent | undefined {
  const number = (name: string): number | undefined =>
    typeof value[name] === 'number' && Number.isFinite(value[name]) ? value[name] : undefined;
  if (event === 'queued') return { kind: 'queued', position: number('position') ?? 0 };
  if (event === 'done' && typeof value['model'] === 'string')
    return { kind: 'done', model: value['model'], asked: number('asked') ?? 0, right: number('right') ?? 0 };
  if (event === 'error' || event === 'failed' || event === 'cancelled')
    return { kind: 'failed', message: messageOf(value) ?? textOr(value['message'], event) };
  const step = number('step');
  if (event !== 'progress' || step === undefined) return undefined;
  const [loss, accuracy, progress] = [number('loss'), number('accuracy'), number('progress')];
  return {
    kind: 'progress',
    step,
    ...(loss === undefined ? {} : { loss }),
    ...(accuracy === undefined ? {} : { accuracy }),
    ...(progress === undefined ? {} : { progress }),
  };
}

export async function cancelTuning(id: string): Promise<void> {
  await request(`v1/tunings/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

export async function listApplications(): Promise<Application[]> {
  const { data } = await requestJson('v1/applications');
  if (!Array.isArray(data)) throw new ApiError('garbled', 'v1/applications: data is missing');
  return data.filter(
    (entry: unknown): entry is Application =>
      isRecord(entry) && typeof entry['id'] === 'string' && isRecord(entry['schema']) && 'prompt' in entry,
  );
}

function parse(data: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(data);
    if (isRecord(value)) return value;
  } catch {
    // Said below.
  }
  throw new ApiError('garbled', `an event without a JSON object: ${data.slice(0, 80)}`);
}
