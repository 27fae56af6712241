/** Answers in smaller tokens than they need. */
import type { Random } from '../../core/index.ts';
import type { JoinedTokens } from '../../data/index.ts';
import type { EncodedConversation } from './encode.ts';

/** How likely a token is taken apart again, into the two that it was joined of, and each of those in turn. */
const SPLIT = 0.5;

/**
 * Takes tokens that are learned apart by chance, as BPE-dropout does (Provilkov et al. 2020, arXiv 1910.13267). A letter or a byte
 * that only rare words need is learned this way; otherwise a name that is taught afterwards could not be written.
 */
export function splitTokens(
  conversation: EncodedConversation,
  joined: JoinedTokens,
  random: Random,
): EncodedConversation {
  const split = (token: number): number[] => {
    const parts = joined.get(token);
    return parts === undefined || random.uniform() >= SPLIT ? [token] : parts.flatMap(split);
  };
  const tokens: number[] = [];
  const learned: number[] = [];
  const findings: number[] = [];
  for (const [i, token] of conversation.tokens.entries()) {
    const said = conversation.learned[i]!;
    for (const part of said === 1 ? split(token) : [token]) {
      tokens.push(part);
      learned.push(said);
      findings.push(conversation.findings?.[i] ?? 0);
    }
  }
  return {
    ...conversation,
    tokens,
    learned: Uint8Array.from(learned),
    ...(conversation.findings === undefined ? {} : { findings: Uint8Array.from(findings) }),
  };
}
