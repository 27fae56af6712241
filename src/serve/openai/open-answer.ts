/** The way from a checked request to an answer under way, the same for all interfaces that converse. */
import type { AnswerPiece, Message } from '../../auto/index.ts';
import type { CheckpointTokenizer } from '../../data/index.ts';
import { TokenMaps } from '../../explain/index.ts';
import type { ServeContext, Services } from '../context.ts';
import type { ServedModel } from '../pool/served-model.ts';
import type { RequestScope } from '../scope.ts';
import { answeringOptions, type WantedAnswer } from './answering-options.ts';
import { readMessages, type RequestMessages } from './messages.ts';

/** What an interface has read of a request. */
export interface Conversation {
  readonly model: string;
  readonly messages: RequestMessages;
  readonly wanted: WantedAnswer;
  /** How errors call the place of a message, and of a part of it. */
  readonly where?: (message: number, part?: number) => string;
  /** Whether it is shown where the model looks. */
  readonly maps?: boolean;
}

export interface OpenAnswer {
  readonly model: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly promptTokens: number;
  readonly tokenizer: CheckpointTokenizer;
  /** Tokens that end answers. */
  readonly ends: readonly number[];
  /** Nothing is done before the first one is asked for. */
  readonly pieces: AsyncGenerator<AnswerPiece, void, void>;
  /** Where the model looks while it writes, where that is asked for. */
  readonly maps: TokenMaps | undefined;
}

/** @throws ApiError for a model that is not there or does not converse, and for what it cannot read */
export async function openAnswer(
  c: ServeContext,
  services: Services,
  scope: RequestScope,
  { model, messages, wanted, where, maps: shown = false }: Conversation,
): Promise<OpenAnswer> {
  const served = services.borrow(c, scope, model);
  const { tokenizer, stopTokens } = served.language().parts;
  const read = await readMessages(messages, services.openPicture, scope.signal, where);
  const prompt = await served.prompt(read, scope.signal);
  const options = answeringOptions(served, prompt, wanted, scope.signal);
  const maps = shown ? await openMaps(served, read, scope) : undefined;
  return {
    maps,
    model: served.id,
    created: Math.floor(Date.now() / 1000),
    promptTokens: prompt.tokens.length,
    tokenizer,
    ends: stopTokens,
    pieces: services.answer(c, served, prompt, options),
  };
}

/** @throws ApiError for models that read no pictures, DataError where there is none */
async function openMaps(served: ServedModel, read: readonly Message[], scope: RequestScope): Promise<TokenMaps> {
  served.require('explanations');
  const maps = await TokenMaps.begin(served.language(), read, { adapters: served.adapters });
  scope.onEnd(() => maps.dispose());
  return maps;
}
