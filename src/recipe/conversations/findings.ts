/** Which tokens say what an answer finds on its way, and which say a number of things. */
// T tokens
import type { SampleTurn, TokenBytes } from '../../data/index.ts';
import { lettersIn, spell, tokenAt } from './spelled.ts';

/** What the tokens of an answer say. */
export interface Said {
  /** T numbers: 1 for the first finding, 2 for the second, 0 for what is neither; nothing for answers that are their only finding. */
  readonly findings?: Uint8Array;
  /** T entries: the regions of which a token says the number; nothing for answers without a number of regions. */
  readonly counted?: readonly (readonly number[] | undefined)[];
}

/** @param tokens that begin with the answer */
export function saidBy({ content }: SampleTurn, tokens: readonly number[], bytes: TokenBytes): Said {
  const has = (key: 'findings' | 'counts'): boolean =>
    content.some((part) => part.type === 'text' && part[key] !== undefined);
  const findings = has('findings') ? new Uint8Array(tokens.length) : undefined;
  const counted = has('counts') ? tokens.map((): readonly number[] | undefined => undefined) : undefined;
  if (findings === undefined && counted === undefined) return {};
  const spelled = spell(tokens, bytes);
  let [found, at] = [0, 0];
  for (const part of content) {
    if (part.type !== 'text') continue;
    // Templates may write space before an answer; what they write otherwise says nothing that is known.
    const letters = lettersIn(part.text);
    const start = spelled.text.indexOf(letters, at);
    if (start < 0) continue;
    at = start + letters.length;
    const tokensOf = ([from, to]: readonly [number, number]): readonly [number, number] => {
      const [first, end] = [from, to].map((letter) => start + lettersIn(part.text.slice(0, letter)).length);
      return [tokenAt(spelled, first!), tokenAt(spelled, end! - 1) + 1];
    };
    for (const span of part.findings ?? []) findings?.fill(++found, ...tokensOf(span));
    for (const { letters: span, regions } of part.counts ?? []) counted?.fill(regions, ...tokensOf(span));
  }
  return { ...(findings === undefined ? {} : { findings }), ...(counted === undefined ? {} : { counted }) };
}
