/** Boxes as models write them. */
import type { Box } from '../api/types.ts';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** The starter's steps along a side. */
const LOCATIONS = 64;

/** `<loc03><loc10><loc40><loc55>`: in parts of the square that the picture was padded to. */
export function boxOfLocations(text: string, picture: PictureSize | undefined): Box | undefined {
  const numbers = [...text.matchAll(/<loc(\d\d)>/g)].map(([, digits]) => Number(digits) / (LOCATIONS - 1));
  if (numbers.length !== 4 || picture === undefined) return undefined;
  const side = Math.max(picture.width, picture.height);
  const part = (value: number, length: number): number =>
    Math.min(1, Math.max(0, (value * side - Math.floor((side - length) / 2)) / length));
  const [left, top, right, bottom] = numbers as [number, number, number, number];
  return ordered([
    part(left, picture.width),
    part(top, picture.height),
    part(right, picture.width),
    part(bottom, picture.height),
  ]);
}

/**
 * `{"bbox_2d": [x1, y1, x2, y2], …}` of Qwen2.5-VL, in pixels of the picture as the model saw it. That size differs from
 * ours by less than a patch (28 pixels), which is close enough to draw; `v1/ground` gives exact boxes.
 */
export function jsonBoxes(text: string, { width, height }: PictureSize): Box[] {
  return [...text.matchAll(/"bbox_2d"\s*:\s*\[([^\]]{1,80})\]/g)].flatMap(([, list]) => {
    const numbers = list!.split(',').map(Number);
    if (numbers.length !== 4 || !numbers.every((n) => Number.isFinite(n))) return [];
    const [left, top, right, bottom] = numbers as [number, number, number, number];
    const clip = (part: number): number => Math.min(1, Math.max(0, part));
    const box = ordered([clip(left / width), clip(top / height), clip(right / width), clip(bottom / height)]);
    return box ? [box] : [];
  });
}

function ordered(box: Box): Box | undefined {
  return box[0] < box[2] && box[1] < box[3] ? box : undefined;
}
