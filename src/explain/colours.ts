/**
 * The colour map of heatmaps: from near black over violet, red and orange to pale yellow. It is a ramp in OKLab (Björn
 * Ottosson, "A perceptual color space for image processing", 2020, whose two matrices are used below): lightness
 * rises all the way, so it also reads in grey and by people who see few colours, and equal steps of a weight are equal
 * distances in OKLab, so no step looks larger than another.
 */

type Triple = readonly [number, number, number];

const STEPS = 256;
/** Points of the curve before it is cut into equal distances. */
const FINE = 4096;

/** Lightness, chroma and hue (degrees) along the ramp, t from 0 to 1; chroma is more than sRGB has and is reduced to it. */
function ramp(t: number): { lightness: number; chroma: number; hue: number } {
  return {
    lightness: 0.16 + 0.79 * t,
    chroma: 0.04 + 0.2 * Math.sin(Math.PI * Math.min(1, 0.12 + 0.78 * t)) ** 0.8,
    // From violet (290°) the long way over red (25° = 385°) to yellow (105° = 465°).
    hue: 290 + 175 * t,
  };
}

/** 256 colours, [256, 3] bytes in sRGB, from the least to the greatest weight. */
export const HEAT_COLOURS: Uint8Array = heatColours();

function heatColours(): Uint8Array {
  const points: Triple[] = [];
  const lengths: number[] = [0];
  for (let i = 0; i <= FINE; i++) {
    const point = inGamut(ramp(i / FINE));
    const last = points.at(-1);
    if (last) lengths.push(lengths.at(-1)! + Math.hypot(point[0] - last[0], point[1] - last[1], point[2] - last[2]));
    points.push(point);
  }
  const total = lengths.at(-1)!;
  const table = new Uint8Array(STEPS * 3);
  let at = 0;
  for (let i = 0; i < STEPS; i++) {
    const wanted = (total * i) / (STEPS - 1);
    while (at < FINE && lengths[at]! < wanted) at++;
    table.set(toSrgb(points[at]!), i * 3);
  }
  return table;
}

/** OKLab of a colour, its chroma reduced until sRGB has it. */
function inGamut(colour: { lightness: number; chroma: number; hue: number }): Triple {
  const angle = (colour.hue * Math.PI) / 180;
  const at = (chroma: number): Triple => [colour.lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)];
  let low = 0;
  let high = colour.chroma;
  if (isInside(toLinear(at(high)))) return at(high);
  for (let i = 0; i < 24; i++) {
    const middle = (low + high) / 2;
    if (isInside(toLinear(at(middle)))) low = middle;
    else high = middle;
  }
  return at(low);
}

function isInside(linear: Triple): boolean {
  return linear.every((value) => value >= 0 && value <= 1);
}

function toLinear([lightness, a, b]: Triple): Triple {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

/** Bytes of an OKLab colour (IEC 61966-2-1 for the curve of sRGB). */
function toSrgb(colour: Triple): number[] {
  return toLinear(colour).map((value) => {
    const clipped = Math.min(1, Math.max(0, value));
    return Math.round(255 * (clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * clipped ** (1 / 2.4) - 0.055));
  });
}
