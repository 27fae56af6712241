import { onBackground, picture, type Concept, type Picture, type Studio } from '../../data/index.ts';
import { renderSet } from '../../data/node/index.ts';
import type { RgbPicture } from '../../explain/index.ts';

/** Share of the picture's side that a drawing fills, as in the test split. */
const FILLED = 0.92;

/** Drawings of chosen concepts on white, larger than the model sees them. @returns pictures by index of the concept */
export async function drawConcepts(
  studio: Studio,
  concepts: readonly Concept[],
  side: number,
): Promise<Map<number, RgbPicture>> {
  const inner = Math.round((side * FILLED) / 2) * 2;
  const margin = (side - inner) / 2;
  const rgba = await renderSet({
    set: studio,
    // The renderer puts each drawing at its concept's index.
    concepts: concepts.map((concept, index) => ({ ...concept, index })),
    size: inner,
  });
  const bytes = inner * inner * 4;
  return new Map(
    concepts.map(({ index }, i) => {
      const drawing = onBackground(picture(inner, inner, 4, rgba.subarray(i * bytes, (i + 1) * bytes)));
      return [index, framed(drawing, margin)];
    }),
  );
}

function framed(drawing: Picture, margin: number): Picture & { channels: 3 } {
  const side = drawing.width + 2 * margin;
  const data = new Uint8Array(side * side * 3).fill(255);
  for (let y = 0; y < drawing.height; y++) {
    data.set(
      drawing.data.subarray(y * drawing.width * 3, (y + 1) * drawing.width * 3),
      ((y + margin) * side + margin) * 3,
    );
  }
  return { width: side, height: side, channels: 3, data };
}
