/**
 * Draws the playground's sample pictures: scenes of Noto emoji (Google, Apache-2.0), small enough to be bundled.
 * Their SVG files are committed; run this again after changing the table.
 *
 *     node scripts/playground-samples.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './setup/steps.mjs';

/** Width and height of a sample, and of a drawing before it is scaled. */
const SIDE = 360;
const DRAWING = 128;

/** Background, and for each drawing: name in the set, left, top and side in parts of the picture. */
const SAMPLES = {
  pets: ['#fbe3c0', ['cat', 0.05, 0.1, 0.4], ['dog', 0.5, 0.42, 0.46], ['soccer-ball', 0.14, 0.66, 0.22]],
  fruit: [
    '#d9efe0',
    ['red-apple', 0.07, 0.08, 0.34],
    ['banana', 0.52, 0.06, 0.4],
    ['lemon', 0.12, 0.56, 0.32],
    ['green-apple', 0.56, 0.56, 0.34],
  ],
  street: [
    '#d5e4f3',
    ['bus', 0.04, 0.34, 0.42],
    ['automobile', 0.52, 0.52, 0.42],
    ['stop-sign', 0.66, 0.06, 0.26],
    ['bicycle', 0.2, 0.74, 0.24],
  ],
  table: [
    '#efe2f2',
    ['teapot', 0.06, 0.12, 0.42],
    ['teacup-without-handle', 0.58, 0.2, 0.26],
    ['books', 0.36, 0.56, 0.38],
  ],
  garden: [
    '#e6f0c8',
    ['sunflower', 0.06, 0.14, 0.38],
    ['deciduous-tree', 0.54, 0.04, 0.42],
    ['rabbit', 0.34, 0.58, 0.34],
  ],
};

const noto = JSON.parse(readFileSync(join(ROOT, 'node_modules', '@iconify-json', 'noto', 'icons.json'), 'utf8'));

for (const [name, [background, ...drawings]] of Object.entries(SAMPLES)) {
  const parts = drawings.map(([icon, left, top, side], i) => {
    const entry = noto.icons[icon];
    if (entry === undefined) throw new Error(`the set has no drawing named ${icon}`);
    // Identifiers of gradients are unique within a drawing only.
    const body = entry.body
      .replaceAll(/\bid="([^"]+)"/g, `id="${i}-$1"`)
      .replaceAll(/url\(#([^)]+)\)/g, `url(#${i}-$1)`);
    const scale = Number(((side * SIDE) / DRAWING).toFixed(4));
    return `<g transform="translate(${left * SIDE} ${top * SIDE})scale(${scale})">${body.replaceAll('href="#', `href="#${i}-`)}</g>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${SIDE}" height="${SIDE}" viewBox="0 0 ${SIDE} ${SIDE}"><!-- Noto Emoji, Google, Apache-2.0 --><path fill="${background}" d="M0 0h${SIDE}v${SIDE}H0z"/>${parts.join('')}</svg>\n`;
  writeFileSync(join(ROOT, 'playground', 'public', 'samples', `${name}.svg`), svg);
  process.stdout.write(`${name}.svg ${svg.length} bytes\n`);
}
