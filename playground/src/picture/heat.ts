/** Draws a map of weights as a sheet of colour over a picture, with the colours and opacities of `sensorium explain`. */
import type { Grid } from '../api/types.ts';

/** Every 8th colour of the ramp in `src/explain/colours.ts`, RGB. */
export const HEAT_STOPS: readonly (readonly [number, number, number])[] = (
  '100030 1a003a 240043 30004b 3c0051 480057 56005b 63005d 70005f 7e005f 8c005e 99005c a70059 b50054 c2004e cf0045 ' +
  'dc0039 e7002b ef1e16 f33800 f34e00 f46000 f57000 f87e00 fa8c00 fd9900 ffa712 ffb42b ffc23d ffcf4d fedc60 fce87a ' +
  'faf393'
)
  .split(' ')
  .map((hex) => [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [number, number, number]);

const OPACITY = 0.75;
const COLD_OPACITY = 0.45;

/** Pixels of the sheet per square of the grid, which the browser then smooths. */
const FINE = 12;

/** RGBA bytes, [rows·FINE × cols·FINE]. */
export function heatPixels(map: readonly number[], { rows, cols }: Grid): Uint8ClampedArray<ArrayBuffer> {
  const low = Math.min(...map);
  const high = Math.max(...map);
  const scale = high > low ? 1 / (high - low) : 0;
  const [height, width] = [rows * FINE, cols * FINE];
  const pixels = new Uint8ClampedArray(width * height * 4);
  for (let y = 0; y < height; y++) {
    const [top, bottom, fy] = between(y, rows);
    for (let x = 0; x < width; x++) {
      const [left, right, fx] = between(x, cols);
      const upper = map[top * cols + left]! * (1 - fx) + map[top * cols + right]! * fx;
      const lower = map[bottom * cols + left]! * (1 - fx) + map[bottom * cols + right]! * fx;
      // Rounding may lead a little beyond the ends.
      const t = Math.min(1, Math.max(0, (upper * (1 - fy) + lower * fy - low) * scale));
      const place = t * (HEAT_STOPS.length - 1);
      const stop = Math.min(HEAT_STOPS.length - 2, Math.floor(place));
      const at = (y * width + x) * 4;
      for (let channel = 0; channel < 3; channel++) {
        const [from, to] = [HEAT_STOPS[stop]![channel]!, HEAT_STOPS[stop + 1]![channel]!];
        pixels[at + channel] = from + (to - from) * (place - stop);
      }
      pixels[at + 3] = 255 * OPACITY * (COLD_OPACITY + (1 - COLD_OPACITY) * t);
    }
  }
  return pixels;
}

/** The two squares beside a pixel of the sheet, and how far it is from the first to the second. */
function between(pixel: number, count: number): [first: number, second: number, fraction: number] {
  const place = Math.min(count - 1, Math.max(0, (pixel + 0.5) / FINE - 0.5));
  const first = Math.floor(place);
  return [first, Math.min(count - 1, first + 1), place - first];
}

export function paintHeat(canvas: HTMLCanvasElement, map: readonly number[], grid: Grid): void {
  canvas.width = grid.cols * FINE;
  canvas.height = grid.rows * FINE;
  canvas.getContext('2d')!.putImageData(new ImageData(heatPixels(map, grid), canvas.width, canvas.height), 0, 0);
}

export type Region =
  | 'middle'
  | 'top'
  | 'bottom'
  | 'left'
  | 'right'
  | 'top-left'
  | 'top-right'
  | 'bottom-left'
  | 'bottom-right';

/** Where most of a map is, for those who do not see it: the third of the picture with the greatest weight. */
export function heaviestRegion(map: readonly number[], { rows, cols }: Grid): { region: Region; share: number } {
  const sums = Array.from({ length: 9 }, () => 0);
  let total = 0;
  map.forEach((weight, i) => {
    const row = Math.floor(((Math.floor(i / cols) + 0.5) * 3) / rows);
    const col = Math.floor((((i % cols) + 0.5) * 3) / cols);
    sums[row * 3 + col]! += weight;
    total += weight;
  });
  const best = sums.indexOf(Math.max(...sums));
  const vertical = ['top', '', 'bottom'][Math.floor(best / 3)]!;
  const horizontal = ['left', '', 'right'][best % 3]!;
  const region = ([vertical, horizontal].filter(Boolean).join('-') || 'middle') as Region;
  return { region, share: total > 0 ? sums[best]! / total : 0 };
}
