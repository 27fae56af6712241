import type { AnswerPiece } from '../../auto/index.ts';
import type { Observer, RequestRecord } from './request-record.ts';

/**
 * The pieces of an answer as they come, with the times between them told and its tokens counted. The clock stands still while
 * nobody asks for the next piece, so that a slow reader does not look like a slow model.
 * @param record receives the count, and the time of the first token
 * @param started when the request came, by the same clock
 * @param clock milliseconds that never go back
 */
export async function* watchTokens(
  pieces: AsyncGenerator<AnswerPiece, void, void>,
  { record, model, observer }: { readonly record: RequestRecord; readonly model: string; readonly observer: Observer },
  started: number,
  clock: () => number = () => performance.now(),
): AsyncGenerator<AnswerPiece, void, void> {
  /** When the next token was asked for, of each answer when there are several. */
  const before = new Map<number, number>();
  let asked = clock();
  for await (const piece of pieces) {
    const now = clock();
    const { row } = piece.token;
    record.answerTokens = (record.answerTokens ?? 0) + 1;
    if (record.firstToken === undefined) {
      record.firstToken = (now - started) / 1000;
      observer.firstToken?.(model, record.firstToken);
    } else if (before.has(row)) observer.nextToken?.(model, (now - Math.max(asked, before.get(row)!)) / 1000);
    before.set(row, now);
    yield piece;
    asked = clock();
  }
}
