/** Texts in which pictures and boxes are marked by words. */
import { DataError } from '../../core/index.ts';
import type { RelativeBox, SamplePart } from '../samples.ts';

/** How texts of LLaVA's and ShareGPT's form say where a picture stands. */
export const IMAGE_MARKER = '<image>';

const NUMBER = String.raw`\s*(-?\d+(?:\.\d+)?)\s*`;
/** Four numbers between 0 and 1, as the writers of this project leave them. */
const RELATIVE = `\\[${[NUMBER, NUMBER, NUMBER, NUMBER].join(',')}\\]`;
/** Thousandths of the sides in double brackets (InternVL). */
const INTERN = `\\[${RELATIVE}\\]`;
/** Two corners in thousandths (Qwen-VL). */
const QWEN = `\\(${NUMBER},${NUMBER}\\),\\(${NUMBER},${NUMBER}\\)`;
const MARKS = new RegExp(`\n?(<image>)\n?|<box>(?:${RELATIVE}|${INTERN}|${QWEN})</box>`, 'g');

/** Counts the pictures that a row's texts have named so far. */
export interface PictureCounter {
  next: number;
}

/**
 * A text as parts. A line end beside a marker of a picture belongs to the marker.
 * @param counter gives each marker the next picture; absent where the text cannot name pictures
 * @throws DataError for a box that cannot be
 */
export function splitMarkers(text: string, counter: PictureCounter | undefined): SamplePart[] {
  const parts: SamplePart[] = [];
  let from = 0;
  const addText = (to: number): void => {
    if (to > from) parts.push({ type: 'text', text: text.slice(from, to) });
  };
  for (const match of text.matchAll(MARKS)) {
    if (match[1] !== undefined && counter === undefined) continue;
    addText(match.index);
    from = match.index + match[0].length;
    if (match[1] !== undefined) parts.push({ type: 'image', picture: counter!.next++ });
    else parts.push({ type: 'box', box: readBox(match) });
  }
  addText(text.length);
  return parts;
}

function readBox(match: RegExpExecArray): RelativeBox {
  const numbers = match
    .slice(2)
    .filter((each) => each !== undefined)
    .map(Number);
  const isRelative = match[2] !== undefined;
  return checkBox(isRelative ? numbers : numbers.map((each) => each / 1000), match[0]);
}

/** Four sides that make a rectangle within the picture. @throws DataError with `name` */
export function checkBox(sides: readonly number[], name: string): RelativeBox {
  const [left, top, right, bottom] = sides as [number, number, number, number];
  const isWithin = sides.length === 4 && sides.every((side) => side >= 0 && side <= 1);
  if (!isWithin || right <= left || bottom <= top)
    throw new DataError(
      `${name.slice(0, 100)} is no box within the picture`,
      'write left, top, right, bottom as parts of its sides, 0 to 1',
    );
  return [left, top, right, bottom];
}

/** Parts as one text with markers, which {@link splitMarkers} reads back. */
export function joinMarkers(parts: readonly SamplePart[]): string {
  let text = '';
  for (const [i, part] of parts.entries()) {
    if (part.type === 'text') text += part.text;
    else if (part.type === 'box') text += boxMarker(part.box);
    else {
      // A line of its own; the reader gives both line ends to the marker.
      if (text !== '' && !text.endsWith('\n')) text += '\n';
      text += IMAGE_MARKER;
      if (i < parts.length - 1) text += '\n';
    }
  }
  return text;
}

/** A box as text: four decimals are a tenth of a pixel at a side of 1,000. */
export function boxMarker(box: RelativeBox): string {
  return `<box>[${box.map((side) => side.toFixed(4)).join(', ')}]</box>`;
}
