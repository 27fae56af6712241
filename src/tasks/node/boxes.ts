import sharp from 'sharp';
import { onBackground, type Picture, picture } from '../../data/index.ts';
import type { LabelledBox } from '../../models/index.ts';

const COLOURS = ['#e6194b', '#3cb44b', '#4363d8', '#f58231', '#911eb4', '#008080'];

/** Draws boxes with their labels on a picture. @returns a new picture of the same size, in RGB */
export async function drawBoxes(source: Picture, boxes: readonly LabelledBox[]): Promise<Picture> {
  const { width, height, data } = onBackground(source);
  const stroke = Math.max(2, Math.round(Math.min(width, height) / 150));
  const size = Math.max(11, Math.round(Math.min(width, height) / 28));
  const marks = boxes.map(({ left, top, right, bottom, label }, i) => {
    const colour = COLOURS[i % COLOURS.length]!;
    const shape = `x="${left}" y="${top}" width="${right - left}" height="${bottom - top}"`;
    const box = `<rect ${shape} fill="none" stroke="${colour}" stroke-width="${stroke}"/>`;
    if (label === '') return box;
    // Above the box, or within where there is no room.
    const y = top >= size + stroke ? top - stroke : top + size;
    const style = `font-family="sans-serif" font-size="${size}" font-weight="bold" fill="${colour}"`;
    const halo = `stroke="#fff" stroke-width="${size / 5}" paint-order="stroke"`;
    return `${box}<text x="${left + stroke}" y="${y}" ${style} ${halo}>${escapeXml(label)}</text>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${marks.join('')}</svg>`;
  const drawn = await sharp(data, { raw: { width, height, channels: 3 } })
    .composite([{ input: Buffer.from(svg), left: 0, top: 0 }])
    .removeAlpha()
    .raw()
    .toBuffer();
  return picture(width, height, 3, new Uint8Array(drawn.buffer, drawn.byteOffset, drawn.length));
}

/** Labels come from a model: at most a line of them, and nothing that XML would take for its own. */
function escapeXml(text: string): string {
  return text
    .slice(0, 60)
    .replaceAll(/[^\P{Cc}]/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
