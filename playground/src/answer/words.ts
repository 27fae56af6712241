/** Cuts an answer into what people point at: words, of Chinese too, and boxes that the model wrote. */
import type { Box, Piece } from '../api/types.ts';
import { boxOfLocations, jsonBoxes, type PictureSize } from './boxes.ts';

export interface Word {
  readonly text: string;
  /** Mean of the maps of its tokens. */
  readonly map?: readonly number[];
  /** A box that stands here instead of its numbers. */
  readonly box?: Box;
  /** Whether it is only space and signs, which nobody points at. */
  readonly gap: boolean;
}

const LOCATIONS = /((?:<loc\d\d>){1,4})/;
const WORDS = /\p{Script=Han}+|[\p{L}\p{N}\p{M}][^\s\p{Script=Han}]*|\s+|[^\s\p{L}\p{N}\p{Script=Han}]+/gu;

/** @param picture that boxes are read for */
export function wordsOf(pieces: readonly Piece[], picture: PictureSize | undefined): Word[] {
  const text = pieces.map((piece) => piece.text).join('');
  const maps = mapsByCharacter(pieces);
  const words: Word[] = [];
  let at = 0;
  for (const stretch of stretches(text)) {
    const location = stretch.startsWith('<loc') ? boxOfLocations(stretch, picture) : undefined;
    const map = meanMap(maps.slice(at, at + stretch.length));
    words.push({
      text: stretch,
      gap: !/[\p{L}\p{N}]/u.test(stretch),
      ...(map ? { map } : {}),
      ...(location ? { box: location } : {}),
    });
    at += stretch.length;
  }
  return words;
}

function stretches(text: string): string[] {
  return text.split(LOCATIONS).flatMap((part) => {
    if (part.startsWith('<loc')) return [part];
    return [...part.matchAll(WORDS)].flatMap(([word]) => (HAN.test(word) ? chineseWords(word) : [word]));
  });
}

const HAN = /^\p{Script=Han}/u;
/** Chinese is written without spaces; browsers know its words, and where one does not, each character stands alone. */
const SEGMENTER = 'Segmenter' in Intl ? new Intl.Segmenter('zh', { granularity: 'word' }) : undefined;

function chineseWords(text: string): string[] {
  return SEGMENTER === undefined ? [...text] : [...SEGMENTER.segment(text)].map(({ segment }) => segment);
}

/** Boxes of the whole answer: those among the words, or in the JSON that Qwen2.5-VL writes. */
export function boxesOf(pieces: readonly Piece[], words: readonly Word[], picture: PictureSize | undefined): Box[] {
  const written = words.flatMap(({ box }) => (box ? [box] : []));
  if (written.length > 0 || picture === undefined) return written;
  return jsonBoxes(pieces.map((piece) => piece.text).join(''), picture);
}

/** For each UTF-16 unit of the text the map of the token that it came with. A token without text adds to the next one. */
function mapsByCharacter(pieces: readonly Piece[]): (readonly (readonly number[])[])[] {
  const result: (readonly (readonly number[])[])[] = [];
  let waiting: (readonly number[])[] = [];
  for (const { text, map } of pieces) {
    if (map !== undefined) waiting.push(map);
    if (text === '') continue;
    const shared = waiting;
    for (let i = 0; i < text.length; i++) result.push(shared);
    waiting = [];
  }
  return result;
}

function meanMap(characters: readonly (readonly (readonly number[])[])[]): readonly number[] | undefined {
  const maps = [...new Set(characters.flat())];
  const [first] = maps;
  if (first === undefined) return undefined;
  if (maps.length === 1) return first;
  return first.map((_, i) => maps.reduce((sum, map) => sum + (map[i] ?? 0), 0) / maps.length);
}
