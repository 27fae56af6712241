import { BEFORE_CONCLUSION, stepNumber, type Picture, type RelativeBox } from '../data/index.ts';
import type { Grounding } from '../models/index.ts';
import { type GridMap, normalized, peakBox, sumOf } from './grid.ts';

/** A step of an answer and the part of the picture that it rests on. */
export interface TraceStep {
  readonly text: string;
  /** Tokens of the answer that it is made of, from `start` to before `end`. */
  readonly start: number;
  readonly end: number;
  /** The first box that it writes; or else where its map is greatest. Absent where nothing of the picture has weight. */
  readonly box?: RelativeBox;
  /** Sum of its tokens' maps, adding up to 1. */
  readonly map: GridMap;
}

/** Ends of sentences and lines, also between Chinese ones. */
const ENDS = /(?<=[.!?;][)"'”’]?\s)|(?<=[。！？；][）”’]?)|(?<=\n)/u;

/**
 * Takes an answer of several steps apart: numbered ones with their conclusion, or else sentences and lines, as the starter's are.
 * @param texts what each token adds  @param maps of each token
 * @returns nothing where there is one step alone
 */
export function traceOf(
  texts: readonly string[],
  maps: readonly GridMap[],
  picture: Picture,
  grounding: Grounding | undefined,
): TraceStep[] | undefined {
  const text = texts.join('');
  const pieces = piecesOf(text);
  if (pieces.length < 2) return undefined;
  let size = 0;
  const ends = texts.map((part) => (size += part.length));
  // A token that reaches over the border, with a space in front, is of the piece that it ends in.
  const starts = pieces.map(([from]) => ends.findIndex((end) => end > from));
  return pieces.flatMap(([from, to], i): TraceStep[] => {
    const [start, end] = [starts[i]!, starts[i + 1] ?? texts.length];
    if (end <= start) return [];
    const said = text.slice(from, to);
    const map = normalized(sumOf(maps.slice(start, end)));
    const [written] = grounding?.read(said, picture).boxes ?? [];
    const { width, height } = picture;
    const box =
      written === undefined
        ? peakBox(map)
        : ([written.left / width, written.top / height, written.right / width, written.bottom / height] as const);
    return [{ text: said.trim(), start, end, ...(box === undefined ? {} : { box }), map }];
  });
}

const NUMBERED = new RegExp(`^\\s*${stepNumber('1')}`, 'u');
/** Beginnings of numbered steps and of their conclusion. */
const BEGINNINGS = new RegExp(`(?=${stepNumber()}|${BEFORE_CONCLUSION})`, 'u');

/** Stretches of the text, from and to. */
function piecesOf(text: string): [from: number, to: number][] {
  const parts = text.split(NUMBERED.test(text) ? BEGINNINGS : ENDS);
  let at = 0;
  const pieces = parts.map((part): [number, number] => [at, (at += part.length)]);
  return pieces.filter(([from, to]) => text.slice(from, to).trim() !== '');
}
