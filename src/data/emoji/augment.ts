import type { Random } from '../../core/index.ts';
import { BACKGROUNDS, paintBackground, paintPlain, type Background, type Rgb } from './background.ts';
import { CENTERED, colourMatrix, compose, drawSprite, inkEdges } from './draw.ts';
import type { Sprites } from './sprites.ts';

/** How strongly pictures are varied. Probabilities 0 to 1; lengths are parts of the picture's side. */
export interface AugmentOptions {
  /** Smallest and largest side of the drawing. */
  readonly scale: readonly [number, number];
  /** Largest shift from the centre, beyond which the drawing would also have to leave the picture. */
  readonly shift: number;
  /** Largest rotation in degrees, largest shear, and largest stretch of the aspect (0.15: ±15 %). */
  readonly rotate: number;
  readonly shear: number;
  readonly stretch: number;
  /** Probability of a mirrored picture, for concepts where that changes nothing that a statement could speak of. */
  readonly mirror: number;
  /** Largest change of hue in degrees; of saturation, contrast, brightness and channel gains as parts of 1. */
  readonly hue: number;
  readonly saturation: number;
  readonly contrast: number;
  readonly brightness: number;
  readonly tint: number;
  readonly greyscale: number;
  /** Probability of dark edges, of a blur, of pixel noise and of a patch that hides a part. */
  readonly ink: number;
  readonly blur: number;
  readonly noise: number;
  readonly patch: number;
  /** Relative frequency of each background. */
  readonly backgrounds: Readonly<Record<Background, number>>;
}

export const DEFAULT_AUGMENTATION: AugmentOptions = {
  scale: [0.65, 1.05],
  shift: 0.12,
  rotate: 14,
  shear: 0.12,
  stretch: 0.15,
  mirror: 0,
  hue: 14,
  saturation: 0.4,
  contrast: 0.25,
  brightness: 0.12,
  tint: 0.1,
  greyscale: 0.06,
  ink: 0.4,
  blur: 0.12,
  noise: 0.2,
  patch: 0.1,
  backgrounds: { white: 0.4, plain: 0.25, gradient: 0.13, stripes: 0.09, blotches: 0.13 },
};

/** Drawings nearly as they are, mostly on white. A run of minutes learns twice as fast from these as from the default. */
const LIGHT_AUGMENTATION: AugmentOptions = {
  scale: [0.85, 1.03],
  shift: 0.05,
  rotate: 6,
  shear: 0.05,
  stretch: 0.08,
  mirror: 0,
  hue: 8,
  saturation: 0.25,
  contrast: 0.25,
  brightness: 0.12,
  tint: 0.05,
  greyscale: 0.03,
  ink: 0.35,
  blur: 0.1,
  noise: 0.05,
  patch: 0,
  backgrounds: { white: 0.8, plain: 0.12, gradient: 0.08, stripes: 0, blotches: 0 },
};

/** Every drawing centred on white, with its own colours. */
const NO_AUGMENTATION: AugmentOptions = {
  scale: [0.9, 0.9],
  shift: 0,
  rotate: 0,
  shear: 0,
  stretch: 0,
  mirror: 0,
  hue: 0,
  saturation: 0,
  contrast: 0,
  brightness: 0,
  tint: 0,
  greyscale: 0,
  ink: 0,
  blur: 0,
  noise: 0,
  patch: 0,
  backgrounds: { white: 1, plain: 0, gradient: 0, stripes: 0, blotches: 0 },
};

/** Degrees of variation by name. */
export const AUGMENTATIONS: Readonly<Record<'none' | 'light' | 'full', AugmentOptions>> = {
  none: NO_AUGMENTATION,
  light: LIGHT_AUGMENTATION,
  full: DEFAULT_AUGMENTATION,
};

/** Mean and deviation by which channel values from 0 to 1 are normalised: (value − mean) / deviation. */
export interface Normalization {
  readonly mean: Rgb;
  readonly deviation: Rgb;
}
export const DEFAULT_NORMALIZATION: Normalization = { mean: [0.5, 0.5, 0.5], deviation: [0.5, 0.5, 0.5] };

/** Draws pictures of one size. It keeps a work area, so use one per thread; what it draws depends on its arguments alone. */
export class EmojiPainter {
  readonly size: number;
  readonly normalization: Normalization;
  readonly augmentation: AugmentOptions;
  readonly #layer: Float32Array;

  constructor(
    size: number,
    augmentation: AugmentOptions = DEFAULT_AUGMENTATION,
    normalization: Normalization = DEFAULT_NORMALIZATION,
  ) {
    this.size = size;
    this.augmentation = augmentation;
    this.normalization = normalization;
    this.#layer = new Float32Array(size * size * 4);
  }

  /**
   * A varied picture, written as three normalised planes [3, size, size] at `offset` of `out`.
   * @param mayMirror whether mirroring keeps all that can be said of the drawing
   */
  augmented(
    sprites: Sprites,
    index: number,
    random: Random,
    mayMirror: boolean,
    out: Float32Array,
    offset: number,
  ): void {
    const { size } = this;
    const options = this.augmentation;
    const chance = (probability: number): boolean => random.uniform() < probability;
    const around = (reach: number): number => random.uniform(-reach, reach);

    paintBackground(this.#drawBackground(random), random, out, offset, size);
    const scale = random.uniform(options.scale[0], options.scale[1]);
    // Small drawings may wander farther before they are cut off.
    const shift = options.shift + Math.max(0, 0.9 - scale) / 2;
    drawSprite(
      sprites,
      index,
      {
        centerX: 0.5 + around(shift),
        centerY: 0.5 + around(shift),
        scale,
        aspect: 1 + around(options.stretch),
        angle: (around(options.rotate) * Math.PI) / 180,
        shear: around(options.shear),
        mirror: mayMirror && chance(options.mirror),
        blur: chance(options.blur) ? 1 : 0,
      },
      this.#layer,
      size,
    );
    if (chance(options.ink)) inkEdges(this.#layer, size, random.uniform(0.3, 1));
    const matrix = colourMatrix(
      (around(options.hue) * Math.PI) / 180,
      chance(options.greyscale) ? 0 : 1 + around(options.saturation),
      1 + around(options.contrast),
      around(options.brightness),
      [1 + around(options.tint), 1 + around(options.tint), 1 + around(options.tint)],
    );
    compose(this.#layer, matrix, out, offset, size);
    if (chance(options.patch)) hidePart(out, offset, size, random);
    if (chance(options.noise)) addNoise(out, offset, size * size * 3, random.uniform(2, 14), random.uint32());
    this.#normalize(out, offset);
  }

  /** The drawing as it is, centred on a plain background: what a test shows. */
  plain(sprites: Sprites, index: number, out: Float32Array, offset: number, background: Rgb = [255, 255, 255]): void {
    paintPlain(out, offset, this.size, background);
    drawSprite(sprites, index, CENTERED, this.#layer, this.size);
    compose(this.#layer, IDENTITY, out, offset, this.size);
    this.#normalize(out, offset);
  }

  #drawBackground(random: Random): Background {
    const { backgrounds } = this.augmentation;
    const drawn = random.weighted(BACKGROUNDS.map((kind) => backgrounds[kind]));
    return drawn === undefined ? 'white' : BACKGROUNDS[drawn]!;
  }

  #normalize(out: Float32Array, offset: number): void {
    const area = this.size * this.size;
    for (let c = 0; c < 3; c++) {
      const gain = 1 / (255 * this.normalization.deviation[c]!);
      const shift = -this.normalization.mean[c]! / this.normalization.deviation[c]!;
      const end = offset + (c + 1) * area;
      for (let i = offset + c * area; i < end; i++) out[i] = out[i]! * gain + shift;
    }
  }
}

const IDENTITY = colourMatrix(0, 1, 1, 0, [1, 1, 1]);

/** A rectangle of one colour over up to a third of each side. */
function hidePart(canvas: Float32Array, offset: number, size: number, random: Random): void {
  const width = Math.round(size * random.uniform(0.12, 0.33));
  const height = Math.round(size * random.uniform(0.12, 0.33));
  const left = random.integer(size - width);
  const top = random.integer(size - height);
  for (let c = 0; c < 3; c++) {
    const value = random.uniform(0, 255);
    for (let y = top; y < top + height; y++) {
      const start = offset + (c * size + y) * size + left;
      canvas.fill(value, start, start + width);
    }
  }
}

/** Uniform noise of ±amplitude by a linear congruential generator (Numerical Recipes' constants), kept within 0 to 255. */
function addNoise(canvas: Float32Array, offset: number, length: number, amplitude: number, seed: number): void {
  let state = seed;
  const gain = amplitude / 0x8000_0000;
  for (let i = offset; i < offset + length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    const value = canvas[i]! + state * gain;
    canvas[i] = value < 0 ? 0 : value > 255 ? 255 : value;
  }
}
