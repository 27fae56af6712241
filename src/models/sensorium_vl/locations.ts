/** Boxes as tokens: four of `<loc00>` … `<loc63>`, left, top, right and bottom, in parts of the picture as the model sees it. */
import { locationTokens, type RelativeBox } from '../../data/index.ts';
import type { GroundedAnswer, LabelledBox } from '../common/grounding.ts';

/** How many steps a side has. */
export const LOCATIONS = 64;

const TOKENS = locationTokens(LOCATIONS);

const MAX_BOXES = 1000;

/** Where the picture as it was given lies in the square that the model sees, in parts of the square's side. */
export interface PaddedFrame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A picture padded to the middle of a square. */
export function paddedFrame({ width, height }: { readonly width: number; readonly height: number }): PaddedFrame {
  const side = Math.max(width, height);
  return {
    left: Math.floor((side - width) / 2) / side,
    top: Math.floor((side - height) / 2) / side,
    width: width / side,
    height: height / side,
  };
}

/** @param box in parts of the picture as it was given */
export function writeBox([left, top, right, bottom]: RelativeBox, frame: PaddedFrame): string {
  const token = (part: number): string =>
    TOKENS[Math.min(LOCATIONS - 1, Math.max(0, Math.round(part * (LOCATIONS - 1))))]!;
  const x = (part: number): string => token(frame.left + part * frame.width);
  const y = (part: number): string => token(frame.top + part * frame.height);
  return x(left) + y(top) + x(right) + y(bottom);
}

const BOX = /<loc(\d\d)><loc(\d\d)><loc(\d\d)><loc(\d\d)>/g;

/**
 * Boxes in an answer, each with the words before it as its label.
 * @param answer text from the model, of which nothing is believed  @param picture as it was given
 */
export function readBoxes(
  answer: string,
  picture: { readonly width: number; readonly height: number },
): GroundedAnswer {
  const frame = paddedFrame(picture);
  const boxes: LabelledBox[] = [];
  let refused = 0;
  let last = 0;
  for (const found of answer.matchAll(BOX)) {
    const [x1, y1, x2, y2] = found.slice(1).map((digits) => Number(digits) / (LOCATIONS - 1)) as [
      number,
      number,
      number,
      number,
    ];
    const x = (part: number): number => Math.min(1, Math.max(0, (part - frame.left) / frame.width)) * picture.width;
    const y = (part: number): number => Math.min(1, Math.max(0, (part - frame.top) / frame.height)) * picture.height;
    const [left, right, top, bottom] = [x(x1), x(x2), y(y1), y(y2)];
    const label = answer
      .slice(last, found.index)
      .replaceAll(/<loc\d\d>/g, '')
      .replace(/^[\s,;.]+|[\s:,;]+$/g, '');
    last = found.index + found[0].length;
    if (left < right && top < bottom && boxes.length < MAX_BOXES) boxes.push({ label, left, top, right, bottom });
    else refused++;
  }
  return { boxes, refused, cut: /<loc\d\d>$/.test(answer) && last < answer.length };
}
