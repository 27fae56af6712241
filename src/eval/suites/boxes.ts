import type { Picture, RelativeBox } from '../../data/index.ts';
import type { LabelledBox } from '../../models/index.ts';

/** Area of what two boxes share by the area of what they cover together, 0 to 1; 0 where one has no area. */
export function intersectionOverUnion(a: RelativeBox, b: RelativeBox): number {
  const [width, height] = [Math.min(a[2], b[2]) - Math.max(a[0], b[0]), Math.min(a[3], b[3]) - Math.max(a[1], b[1])];
  const shared = Math.max(0, width) * Math.max(0, height);
  const union = area(a) + area(b) - shared;
  return union > 0 ? shared / union : 0;
}

/** A box in pixels, in parts of the picture's sides. */
export function relativeBox(
  { left, top, right, bottom }: LabelledBox,
  { width, height }: Pick<Picture, 'width' | 'height'>,
): RelativeBox {
  return [left / width, top / height, right / width, bottom / height];
}

/** Boxes as people read them. */
export function boxText(boxes: readonly RelativeBox[]): string {
  return boxes.map((box) => box.map((side) => side.toFixed(3)).join(' ')).join(', ');
}

function area([left, top, right, bottom]: RelativeBox): number {
  return Math.max(0, right - left) * Math.max(0, bottom - top);
}
