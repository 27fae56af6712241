import sharp from 'sharp';
import { type AttentionMap, overlayHeatmap, type RgbPicture } from '../heatmap.ts';

const PANEL = 192;
const CAPTION = 28;
const GAP = 8;
const COLUMNS = 5;
/** Panels at most; further words are left out. */
const MOST = 40;

/**
 * A sheet of panels: the picture, and for each word the picture with the word's attention laid over it, captions below.
 * Every panel has its own colour scale, from its least to its greatest weight.
 * @param picture in RGB, of any proportions
 */
export async function attentionSheet(
  picture: RgbPicture,
  words: readonly (AttentionMap & { readonly word: string })[],
): Promise<RgbPicture> {
  const panel = panelSize(picture);
  const resized = await sharp(picture.data, { raw: { width: picture.width, height: picture.height, channels: 3 } })
    .resize(panel.width, panel.height, { fit: 'fill' })
    .raw()
    .toBuffer();
  const base: RgbPicture = { ...panel, data: resized };
  const panels = [
    { caption: 'picture', picture: base },
    ...words.slice(0, MOST - 1).map((map) => ({ caption: map.word, picture: overlayHeatmap(base, map) })),
  ];
  const columns = Math.min(COLUMNS, panels.length);
  const width = columns * (PANEL + GAP) + GAP;
  const height = Math.ceil(panels.length / columns) * (panel.height + CAPTION + GAP) + GAP;
  const place = (i: number): { left: number; top: number } => ({
    left: GAP + (i % columns) * (PANEL + GAP),
    top: GAP + Math.floor(i / columns) * (panel.height + CAPTION + GAP),
  });
  const captions = panels.map(({ caption }, i) => {
    const { left, top } = place(i);
    return `<text x="${left + PANEL / 2}" y="${top + panel.height + 20}">${escapeXml(caption.length > 18 ? `${caption.slice(0, 17)}…` : caption)}</text>`;
  });
  const style = 'font-family="sans-serif" font-size="17" fill="#222" text-anchor="middle"';
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"><g ${style}>${captions.join('')}</g></svg>`;
  const data = await sharp({ create: { width, height, channels: 3, background: '#ffffff' } })
    .composite([
      ...panels.map(({ picture: { data: pixels } }, i) => ({
        input: pixels as Buffer,
        raw: { ...panel, channels: 3 as const },
        // Captions of narrow pictures have the room of wide ones.
        left: place(i).left + Math.floor((PANEL - panel.width) / 2),
        top: place(i).top,
      })),
      { input: Buffer.from(svg), left: 0, top: 0 },
    ])
    .removeAlpha()
    .raw()
    .toBuffer();
  return { width, height, data: new Uint8Array(data) };
}

/** The longer side is a panel's. */
function panelSize({ width, height }: RgbPicture): { readonly width: number; readonly height: number } {
  const scale = PANEL / Math.max(width, height);
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

function escapeXml(text: string): string {
  // Control characters are not allowed in XML at all.
  return text
    .replaceAll(/\p{Cc}/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}
