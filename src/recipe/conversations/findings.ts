/** Which tokens say what an answer finds on its way. */
// T tokens
import type { SampleTurn, TokenBytes } from '../../data/index.ts';
import { lettersIn, spell, tokenAt } from './spelled.ts';

/**
 * Of tokens that begin with an answer: 1 for those of its first finding, 2 for those of the second, 0 for all others.
 * @returns T numbers; nothing for answers that are their only finding
 */
export function findingsOf(
  { content }: SampleTurn,
  tokens: readonly number[],
  bytes: TokenBytes,
): Uint8Array | undefined {
  if (!content.some((part) => part.type === 'text' && part.findings !== undefined)) return undefined;
  const spelled = spell(tokens, bytes);
  const numbers = new Uint8Array(tokens.length);
  let [found, at] = [0, 0];
  for (const part of content) {
    if (part.type !== 'text') continue;
    // Templates may write space before an answer; what they write otherwise has no findings.
    const letters = lettersIn(part.text);
    const start = spelled.text.indexOf(letters, at);
    if (start < 0) continue;
    at = start + letters.length;
    for (const [from, to] of part.findings ?? []) {
      const [first, end] = [from, to].map((letter) => start + lettersIn(part.text.slice(0, letter)).length);
      numbers.fill(++found, tokenAt(spelled, first!), tokenAt(spelled, end! - 1) + 1);
    }
  }
  return numbers;
}
