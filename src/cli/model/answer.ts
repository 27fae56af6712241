import process from 'node:process';
import type { AnswerPiece, LanguageModel, LoadedModel } from '../../auto/index.ts';
import type { CheckpointTokenizer, TextStream } from '../../data/index.ts';
import type { GeneratedToken } from '../../generate/index.ts';
import type { Answer } from '../../tasks/index.ts';
import { printable } from '../report-error.ts';

/** Writes an answer as it comes, or as JSON when it is whole. */
export async function printAnswer(
  model: LanguageModel,
  pieces: AsyncIterable<AnswerPiece>,
  json: boolean,
): Promise<void> {
  const tokens: GeneratedToken[] = [];
  let text = '';
  for await (const piece of pieces) {
    text += piece.text;
    tokens.push(piece.token);
    if (!json) process.stdout.write(printable(piece.text));
  }
  process.stdout.write(json ? `${JSON.stringify(answerAsJson(model, text, tokens))}\n` : '\n');
}

/** Writes an answer that is whole. */
export function printWhole({ text, tokens }: Answer, model: LoadedModel, json: boolean): void {
  const whole = json && 'parts' in model ? answerAsJson(model, text, tokens) : { text };
  process.stdout.write(json ? `${JSON.stringify(whole)}\n` : `${printable(text.trim())}\n`);
}

/** An answer for programs: its text, why it ended, and each token with its log-probability. */
export function answerAsJson(
  { parts: { tokenizer } }: { readonly parts: { readonly tokenizer: CheckpointTokenizer } },
  text: string,
  tokens: readonly GeneratedToken[],
): Record<string, unknown> {
  return {
    text,
    finish: tokens.at(-1)?.finish,
    tokens: tokens.map(({ token, logProbability = 0 }) => ({
      token,
      text: textOf(tokenizer.stream(), token),
      logProbability: Number(logProbability.toPrecision(6)),
    })),
  };
}

/** Tokens beyond those of the tokenizer, which some models have, have no text. */
function textOf(stream: TextStream, token: number): string {
  return stream.push(token) + stream.end();
}
