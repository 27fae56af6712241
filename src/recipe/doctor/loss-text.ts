/** Which tokens carry loss, as text to look at. */
import { plainText } from '../../core/text-width.ts';
import type { CheckpointTokenizer } from '../../data/index.ts';
import type { EncodedConversation } from '../conversations/encode.ts';

/** Tokens of one kind that follow each other. */
export interface LossPiece {
  readonly text: string;
  readonly tokens: number;
  readonly kind: 'read' | 'learned' | 'picture';
}

/** @param imageToken runs of it become one piece */
export function lossPieces(
  { tokens, learned }: Pick<EncodedConversation, 'tokens' | 'learned'>,
  tokenizer: CheckpointTokenizer,
  imageToken?: number,
): LossPiece[] {
  const kindOf = (i: number): LossPiece['kind'] =>
    tokens[i] === imageToken ? 'picture' : learned[i] === 1 ? 'learned' : 'read';
  const pieces: LossPiece[] = [];
  for (let start = 0; start < tokens.length;) {
    const kind = kindOf(start);
    let end = start + 1;
    while (end < tokens.length && kindOf(end) === kind) end++;
    const ids = tokens.slice(start, end);
    const text = tokenizer.decode(kind === 'picture' ? ids.slice(0, 1) : ids, { specialTokens: true });
    pieces.push({ text, tokens: end - start, kind });
    start = end;
  }
  return pieces;
}

/** Letters of a piece that are shown; of a longer one the middle is left out. */
const MOST_LETTERS = 600;

const COLOURS: Readonly<Record<LossPiece['kind'], readonly [string, string]>> = {
  read: ['\u001B[2m', '\u001B[22m'],
  learned: ['\u001B[1;32m', '\u001B[22;39m'],
  picture: ['\u001B[36m', '\u001B[39m'],
};
const SIGNS: Readonly<Record<LossPiece['kind'], readonly [string, string]>> = {
  read: ['', ''],
  learned: ['«', '»'],
  picture: ['', ''],
};

/** One line of text. @param colour with escape sequences; without, what is learned stands in « » */
export function paintPieces(pieces: readonly LossPiece[], colour: boolean): string {
  const styles = colour ? COLOURS : SIGNS;
  return pieces
    .map(({ text, tokens, kind }) => {
      const shown = plainText(shorten(text).replaceAll('\n', '⏎'));
      const [before, after] = styles[kind];
      return `${before}${shown}${kind === 'picture' ? ` × ${tokens} ` : ''}${after}`;
    })
    .join('');
}

function shorten(text: string): string {
  const letters = Array.from(text);
  if (letters.length <= MOST_LETTERS) return text;
  const half = MOST_LETTERS / 2;
  return `${letters.slice(0, half).join('')} … ${letters.slice(-half).join('')}`;
}
