import type { Random } from '../../core/index.ts';
import { paintBackground, type Background, type Rgb } from '../emoji/background.ts';
import { compose, drawSprite, flattenColours, inkEdges, type ColourMatrix, type Placement } from '../emoji/draw.ts';
import { fillInside, inColour } from '../emoji/ink.ts';
import type { Sprites } from '../emoji/sprites.ts';
import { picture, type Picture } from '../image.ts';
import type { RelativeBox } from '../samples.ts';
import { colourOfPixel, NAMELESS, prevailingColour, type SceneColour } from './colours.ts';
import { paintWord, type WordPlacement } from './words.ts';

/** Another studio's habits. */
export interface DrawingStyle {
  /** How much edges are darkened, 0 to 1. */
  readonly ink: number;
  /** Whether what is inked is inked once more, which makes the lines thick. */
  readonly isThick: boolean;
  /** Values that each channel of a drawing may have; 0 leaves all. */
  readonly levels: number;
}

/** Colour for a drawing of one ink. */
export interface InkColour {
  readonly colour: Rgb;
  /** Whether the lines stay as they are and what they enclose has the colour, or all is drawn in it. */
  readonly isInside: boolean;
}

/** One drawing to be painted. */
export interface DrawingPlan {
  readonly sprites: Sprites;
  /** Position of the drawing in the set: the index of its concept. */
  readonly index: number;
  readonly placement: Placement;
  readonly matrix: ColourMatrix;
  readonly style: DrawingStyle;
  /** Nothing where a drawing keeps its colours. */
  readonly inkColour?: InkColour | undefined;
}

/** A whole picture to be painted. */
export interface PicturePlan {
  readonly background: Background;
  /** The background's own chance, so that what is in front does not change it. */
  readonly backgroundRandom: Random;
  readonly drawings: readonly DrawingPlan[];
  readonly word: WordPlacement | undefined;
  /** Largest change of a pixel by noise (of 255), and the noise's seed. */
  readonly noise: number;
  readonly noiseSeed: number;
}

/** What the pixels of a drawing show. */
export interface DrawnFacts {
  readonly box: RelativeBox;
  /** Painted pixels as a part of the picture's. */
  readonly painted: number;
  readonly colour: SceneColour | undefined;
  /** Part of the painted pixels that stand out from what was there before. */
  readonly visible: number;
}

export interface PaintedPicture {
  readonly picture: Picture;
  readonly drawings: readonly DrawnFacts[];
  /** Where each letter of the word stands; nothing where there is no word. */
  readonly letters: readonly RelativeBox[];
}

/** A square part of the picture; lengths in pixels. */
interface Window {
  readonly side: number;
  readonly left: number;
  readonly top: number;
}

/** A pixel with at least this much of a drawing (of 255) belongs to its box. */
const PAINTED = 96;
/** A pixel with at least this much shows the drawing's colour. */
const SOLID = 215;
/** A pixel that changed by less in all channels does not stand out. */
const STANDS_OUT = 28;

/** Paints pictures of one size. It keeps work areas, so use one per thread; what it paints depends on its arguments alone. */
export class ScenePainter {
  readonly size: number;
  readonly #layer: Float32Array;
  readonly #canvas: Float32Array;
  /** What is in a window before and after a drawing is laid on it. */
  readonly #before: Float32Array;
  readonly #after: Float32Array;

  constructor(size: number) {
    this.size = size;
    this.#layer = new Float32Array(size * size * 4);
    this.#canvas = new Float32Array(size * size * 3);
    this.#before = new Float32Array(size * size * 3);
    this.#after = new Float32Array(size * size * 3);
  }

  paint(plan: PicturePlan): PaintedPicture {
    const { size } = this;
    const canvas = this.#canvas;
    paintBackground(plan.background, plan.backgroundRandom, canvas, 0, size);
    const drawings = plan.drawings.map((drawing) => this.#paintDrawing(drawing));
    const letters = plan.word === undefined ? [] : paintWord(plan.word, canvas, 0, size);
    return {
      picture: this.#finish(plan.noise, plan.noiseSeed),
      drawings,
      letters: letters.map(([left, top, right, bottom]): RelativeBox => [
        left / size,
        top / size,
        right / size,
        bottom / size,
      ]),
    };
  }

  /** Works on the square that the drawing lies in: drawn, laid over what is there, looked at, and put back. */
  #paintDrawing({ sprites, index, placement, matrix, style, inkColour }: DrawingPlan): DrawnFacts {
    const { size } = this;
    const window = this.#windowOf(placement);
    const { side, left, top } = window;
    const inWindow: Placement = {
      ...placement,
      centerX: (placement.centerX * size - left) / side,
      centerY: (placement.centerY * size - top) / side,
      scale: (placement.scale * size) / side,
    };
    drawSprite(sprites, index, inWindow, this.#layer, side);
    if (inkColour?.isInside === true) fillInside(this.#layer, side, inkColour.colour);
    if (inkColour?.isInside === false) inColour(this.#layer, side, inkColour.colour);
    if (style.levels > 0) flattenColours(this.#layer, side, style.levels);
    if (style.ink > 0) inkEdges(this.#layer, side, style.ink);
    if (style.ink > 0 && style.isThick) inkEdges(this.#layer, side, style.ink);
    this.#copy(window, this.#before, true);
    this.#after.set(this.#before.subarray(0, 3 * side * side));
    compose(this.#layer, matrix, this.#after, 0, side);
    this.#copy(window, this.#after, false);
    return this.#look(window);
  }

  /** A square inside the picture that holds all of a drawing that lies inside. */
  #windowOf({ centerX, centerY, scale, aspect, angle, shear }: Placement): Window {
    const { size } = this;
    const stretch = Math.sqrt(Math.max(aspect, 1 / aspect));
    const turned = Math.abs(Math.cos(angle)) + Math.abs(Math.sin(angle)) + Math.abs(shear);
    const reach = (scale * size * stretch * turned) / 2 + 2;
    const side = Math.min(size, Math.ceil(2 * reach) + 1);
    const inside = (at: number): number => Math.max(0, Math.min(size - side, Math.floor(at * size - reach)));
    return { side, left: inside(centerX), top: inside(centerY) };
  }

  /** Copies a window between the canvas and three planes of its own. */
  #copy({ side, left, top }: Window, planes: Float32Array, out: boolean): void {
    const { size } = this;
    for (let c = 0; c < 3; c++) {
      for (let y = 0; y < side; y++) {
        const there = (c * size + top + y) * size + left;
        const here = (c * side + y) * side;
        if (out) planes.set(this.#canvas.subarray(there, there + side), here);
        else this.#canvas.set(planes.subarray(here, here + side), there);
      }
    }
  }

  /** Reads the facts of the drawing that was laid on last. */
  #look({ side, left: originX, top: originY }: Window): DrawnFacts {
    const { size } = this;
    const layer = this.#layer;
    const after = this.#after;
    const before = this.#before;
    const area = side * side;
    const counts = new Uint32Array(NAMELESS + 1);
    let left = side;
    let top = side;
    let right = 0;
    let bottom = 0;
    let painted = 0;
    let visible = 0;
    for (let y = 0, i = 0; y < side; y++) {
      for (let x = 0; x < side; x++, i++) {
        const alpha = layer[i * 4 + 3]!;
        if (alpha < PAINTED) continue;
        painted++;
        if (x < left) left = x;
        if (x >= right) right = x + 1;
        if (y < top) top = y;
        bottom = y + 1;
        const r = after[i]!;
        const g = after[i + area]!;
        const b = after[i + 2 * area]!;
        if (
          Math.abs(r - before[i]!) > STANDS_OUT ||
          Math.abs(g - before[i + area]!) > STANDS_OUT ||
          Math.abs(b - before[i + 2 * area]!) > STANDS_OUT
        )
          visible++;
        if (alpha >= SOLID) counts[colourOfPixel(r, g, b)]!++;
      }
    }
    return {
      box:
        painted === 0
          ? [0, 0, 0, 0]
          : [(originX + left) / size, (originY + top) / size, (originX + right) / size, (originY + bottom) / size],
      painted: painted / (size * size),
      colour: prevailingColour(counts),
      visible: painted === 0 ? 0 : visible / painted,
    };
  }

  /** The canvas as bytes side by side, with noise by a linear congruential generator (Numerical Recipes' constants). */
  #finish(amplitude: number, seed: number): Picture {
    const { size } = this;
    const area = size * size;
    const canvas = this.#canvas;
    const data = new Uint8Array(area * 3);
    const gain = amplitude / 0x8000_0000;
    let state = seed;
    for (let c = 0; c < 3; c++) {
      const end = (c + 1) * area;
      if (gain === 0) {
        // What is painted lies within 0 to 255.
        for (let i = c * area, to = c; i < end; i++, to += 3) data[to] = canvas[i]! + 0.5;
        continue;
      }
      for (let i = c * area, to = c; i < end; i++, to += 3) {
        state = (Math.imul(state, 1664525) + 1013904223) | 0;
        const value = canvas[i]! + state * gain;
        data[to] = value < 0 ? 0 : value > 254.5 ? 255 : value + 0.5;
      }
    }
    return picture(size, size, 3, data);
  }
}
