/** One answer, from the request to its last word. */
import { type ChatRequest, streamChat } from '../api/client.ts';
import type { ContentPart, Explanation, Grid, Message, Piece } from '../api/types.ts';
import type { TakenPicture } from '../picture/take.ts';

export interface AnswerState {
  readonly request: ChatRequest;
  /** All pictures of the request, in their order. */
  readonly pictures: readonly TakenPicture[];
  readonly status: 'writing' | 'done' | 'cut' | 'stopped' | 'failed';
  readonly pieces: readonly Piece[];
  readonly grid?: Grid;
  /** Which picture the maps belong to. */
  readonly picture: number;
  readonly error?: unknown;
  readonly explanation?: Explanation;
}

/**
 * Asks, and tells of every change.
 * @returns the last state; failures are states too
 */
export async function runAnswer(
  request: ChatRequest,
  pictures: readonly TakenPicture[],
  signal: AbortSignal,
  tell: (state: AnswerState) => void,
): Promise<AnswerState> {
  let state: AnswerState = { request, pictures, status: 'writing', pieces: [], picture: pictures.length - 1 };
  const change = (next: Partial<AnswerState>): void => {
    state = { ...state, ...next };
    tell(state);
  };
  change({});
  try {
    let finish = 'stop';
    for await (const { text, map, grid, picture, finish: reason } of streamChat(request, signal)) {
      if (reason !== undefined) finish = reason;
      if (text === '' && map === undefined) continue;
      change({
        pieces: [...state.pieces, { text, ...(map ? { map } : {}) }],
        ...(grid ? { grid } : {}),
        ...(picture === undefined ? {} : { picture }),
      });
    }
    change({ status: finish === 'length' ? 'cut' : 'done' });
  } catch (error) {
    change(signal.aborted ? { status: 'stopped' } : { status: 'failed', error });
  }
  return state;
}

export function textOf({ pieces }: Pick<AnswerState, 'pieces'>): string {
  return pieces.map(({ text }) => text).join('');
}

/** What a person says: pictures first, as models were taught. */
export function userMessage(text: string, pictures: readonly TakenPicture[]): Message {
  if (pictures.length === 0) return { role: 'user', content: text };
  const shown = pictures.map(({ url }): ContentPart => ({ type: 'image_url', image_url: { url } }));
  return { role: 'user', content: [...shown, { type: 'text', text }] };
}
