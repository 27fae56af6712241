/** The way from a checked request to an answer under way, the same for all interfaces that converse. */
import type { AnswerPiece } from '../../auto/index.ts';
import type { CheckpointTokenizer } from '../../data/index.ts';
import type { ServeContext, Services } from '../context.ts';
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
}

export interface OpenAnswer {
  readonly model: string;
  /** Seconds since 1970. */
  readonly created: number;
  readonly promptTokens: number;
  readonly tokenizer: CheckpointTokenizer;
  /** Nothing is done before the first one is asked for. */
  readonly pieces: AsyncGenerator<AnswerPiece, void, void>;
}

/** @throws ApiError for a model that is not there or does not converse, and for what it cannot read */
export async function openAnswer(
  c: ServeContext,
  services: Services,
  scope: RequestScope,
  { model, messages, wanted, where }: Conversation,
): Promise<OpenAnswer> {
  const served = services.borrow(c, scope, model);
  const { tokenizer } = served.language().parts;
  const read = await readMessages(messages, services.openPicture, scope.signal, where);
  const prompt = await served.prompt(read, scope.signal);
  const options = answeringOptions(served, prompt, wanted, scope.signal);
  return {
    model: served.id,
    created: Math.floor(Date.now() / 1000),
    promptTokens: prompt.tokens.length,
    tokenizer,
    pieces: services.answer(c, served, prompt, options),
  };
}
